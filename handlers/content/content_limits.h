/*
 * content_limits: every maximum of content's own, with its unit and its reason.
 */
#ifndef CONTENT_CONTENT_LIMITS_H
#define CONTENT_CONTENT_LIMITS_H

/* Markdown and HTML */
#define MARKDOWN_MAX_BYTES          (2u << 20)  /* one body; the longest real posts have 0.2 MB */
#define RENDERED_MAX_BYTES          (16u << 20) /* HTML of one body: 50,000 '>' grow 27-fold */
#define PARSE_HEAP_MAX_BYTES        (160u << 20) /* held by one parser: 200 a tree node */
#define PARSE_CPU_MAX_MS            1000        /* one parser's CPU time: 0.1 MB needs 5, and
                                                 * cmark-gfm 0.29 is quadratic in hostile input */
#define AUTOLINK_RUN_MAX_BYTES      4096        /* without white space, around a bare link:
                                                 * finding its end is quadratic in cmark-gfm 0.29 */
#define HTML_DEPTH_MAX              128         /* open elements: gumbo's steps a character */
#define HTML_TREE_DEPTH_MAX         1024        /* of gumbo's tree, which adds some */
#define HTML_NAME_MAX_BYTES         16          /* longest element name in the table and a NUL */
#define HTML_ID_MAX_BYTES           128         /* an id attribute; longer ones are no anchors */
#define HEADING_IDS_MAX             4096        /* ids of one document that headings' are kept apart from */
#define HEADING_TEXT_MAX_BYTES      (4 * HTML_ID_MAX_BYTES) /* that a heading's id is made of */
#define WORDS_PER_MINUTE            200         /* reading speed behind reading_minutes */
#define EXCERPT_MAX_CODE_POINTS     500         /* an excerpt that we cut ourselves */

/* Front matter and import */
#define FRONT_MATTER_MAX_BYTES      65536       /* between the delimiters; most have 0.5 KB */
#define FRONT_MATTER_DEPTH_MAX      32          /* as JSON_DEPTH_MAX: it becomes JSON */
#define FRONT_MATTER_KEYS_MAX       1000        /* in one: finding duplicates is quadratic */
#define FRONT_MATTER_DOTS_MAX       128         /* on a line of TOML: each nests a table */
#define FRONT_MATTER_REASON_SIZE    256
#define SLUG_MAX_BYTES              128         /* a slug is one path segment that people read */
#define IMPORT_LIST_MAX             256         /* tags, authors, technologies of one item */

/* Documents */
#define DOCUMENT_BODY_MAX_BYTES     (512u << 10) /* Markdown of one item: a book's chapter has 0.1 MB */
#define DOCUMENT_TEXT_MAX_BYTES     (8u << 20)  /* one item as JSON, every byte of it escaped to six */
#define WRITE_BODY_MAX_BYTES        (4u << 20)  /* a request with one: 512 KiB of control bytes, escaped */
#define LABELS_MAX                  20          /* tags, technologies: each has a list row and a counter */
#define LABEL_MAX_CODE_POINTS       64          /* one of them, and a category: part of a store key */
#define REVISIONS_MAX               50          /* kept of one item: deletion takes all in one transaction */
#define SCAN_ROWS_MAX               1000        /* list rows read for one page when a filter has no index */
#define WRITE_TRIES_MAX             8           /* of a change that others' changes keep overtaking */
#define PAGE_CACHE_SLOTS            64          /* pages kept: the front pages of a site and its tags */
#define PAGE_CACHE_PAGE_MAX_BYTES   (32u << 10) /* of 20 rows: 2 MB in all */
#define FEED_ITEMS_MAX              20          /* newest posts in a feed */
#define FEED_CONTENT_MAX_BYTES      (8u << 20)  /* HTML in it; posts behind have their excerpt only */
#define FEED_MAX_BYTES              (32u << 20) /* with all else, escaped */
#define RENDERING_MAX_BYTES         (2u << 20)  /* HTML kept of one body: more is four times its text */
#define SITEMAP_URLS_MAX            50000       /* sitemaps.org's bound for one file */
#define SITEMAP_MAX_BYTES           (50u << 20) /* and its other one */
#define IMPORT_BODY_MAX_BYTES       (64u << 20) /* ARCHIVE_MAX_BYTES */
#define IMPORT_ITEM_ARENA_BYTES     (192u << 20) /* memory of one item's import, given back before the next */
#define IMPORT_REPORT_MAX           1000        /* items, and errors, listed in one result */
#define IMPORT_ITEMS_MAX            100000      /* in one import: each is a transaction */
#define IMPORT_LINE_MAX_BYTES       DOCUMENT_TEXT_MAX_BYTES     /* of NDJSON */
#define EXPORT_BATCH_ITEMS          50          /* read at a time: another's write never waits for us */
#define EXPORT_BATCH_MAX_BYTES      (16u << 20) /* 1 MiB, and one item that passes it */

/* Archives */
#define ARCHIVE_ENTRIES_MAX         100000      /* of any kind */
#define ARCHIVE_MAX_BYTES           (64u << 20) /* all of it, expanded: a zip bomb stops here */
#define ARCHIVE_FILE_MAX_BYTES      (2u << 20)  /* one file: MARKDOWN_MAX_BYTES */
#define ARCHIVE_NAME_MAX_BYTES      1024        /* a path inside; longer ones are attacks */

#endif
