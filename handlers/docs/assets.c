#include "docs/assets.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SWAGGER_CSP "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " \
	"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
/* Redoc makes its styles at run time, and searches in a worker of its own making. */
#define REDOC_CSP "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; " \
	"img-src 'self' data:; font-src 'self'; connect-src 'self'; worker-src blob:; " \
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

static const struct asset {
	const char *path;       /* what is asked for */
	const char *file;       /* under assets/ */
	const char *type;
	const char *policy;     /* Content-Security-Policy of a page */
} assets[] = {
	{ "/docs", "swagger.html", "text/html; charset=utf-8", SWAGGER_CSP },
	{ "/docs/swagger-init.js", "swagger-init.js", "text/javascript; charset=utf-8", NULL },
	{ "/docs/swagger-ui-bundle.js", "swagger-ui-bundle.js", "text/javascript; charset=utf-8", NULL },
	{ "/docs/swagger-ui.css", "swagger-ui.css", "text/css; charset=utf-8", NULL },
	{ "/redoc", "redoc.html", "text/html; charset=utf-8", REDOC_CSP },
	{ "/redoc/redoc-init.js", "redoc-init.js", "text/javascript; charset=utf-8", NULL },
	{ "/redoc/redoc.standalone.js", "redoc.standalone.js", "text/javascript; charset=utf-8", NULL },
};

struct docs_file {
	void      *mapping;     /* NULL: not there */
	size_t     bytes;
	int64_t    modified_ms;
	struct str etag;
};

static void map_file(struct docs_state *s, const struct asset *asset, struct docs_file *out)
{
	struct str path = arena_printf(&s->arena, "%.*s/assets/%s", STR_ARG(s->directory), asset->file);
	struct stat st;

	int fd = open(path.ptr, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0) {
		void *mapping = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (mapping != MAP_FAILED) {
			out->mapping = mapping;
			out->bytes = (size_t)st.st_size;
			out->modified_ms = (int64_t)st.st_mtim.tv_sec * 1000;
			/* Size and time name a file of a release; hashing megabytes at
			 * every start would cost more than it tells. */
			out->etag = arena_printf(&s->arena, "\"%llx-%llx\"", (unsigned long long)st.st_size,
			    (unsigned long long)st.st_mtim.tv_sec);
		}
	}
	close(fd);
}

enum err assets_open(struct docs_state *s)
{
	s->files = ARENA_ARRAY(&s->arena, COUNT(assets), struct docs_file);
	for (size_t i = 0; i < COUNT(assets); i++)
		map_file(s, &assets[i], &s->files[i]);
	return OK;
}

void assets_close(struct docs_state *s)
{
	for (size_t i = 0; s->files != NULL && i < COUNT(assets); i++)
		if (s->files[i].mapping != NULL)
			munmap(s->files[i].mapping, s->files[i].bytes);
}

enum err docs_asset(const struct request *req, struct response *res)
{
	const struct docs_state *s = docs_state(req);
	size_t i = 0;

	while (i < COUNT(assets) && !str_eq(req->path, str_of(assets[i].path)))
		i++;
	if (i == COUNT(assets))
		return ERR_NOT_FOUND;
	const struct docs_file *f = &s->files[i];
	if (f->mapping == NULL)
		return response_problem(res, ERR_NOT_FOUND, "%s is not installed: its npm package is missing",
		    assets[i].file);
	res->content_type = str_of(assets[i].type);
	res->etag = f->etag;
	res->modified_ms = f->modified_ms;
	if (assets[i].policy != NULL)
		response_header(res, "Content-Security-Policy", str_of(assets[i].policy));
	response_body(res, (struct str){ f->mapping, f->bytes });
	return OK;
}
