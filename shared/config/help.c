#include "config/config.h"

#include "config/settings.h"

/* The bounds or the choices, in words. */
static void describe_values(struct buf *out, const struct setting *row)
{
	if (row->type == SETTING_NUMBER) {
		buf_printf(out, " (%u to %u)", row->min, row->max);
	} else if (row->type == SETTING_CHOICE) {
		BUF_LIT(out, " (");
		settings_list_choices(out, row);
		buf_char(out, ')');
	}
}

/* Text of a table row with Markdown's backquotes taken out, for a terminal. */
static void add_plain(struct buf *out, const char *text)
{
	for (; *text != '\0'; text++)
		if (*text != '`')
			buf_char(out, *text);
}

void config_help(struct buf *out)
{
	for (size_t i = 0; settings_row(i) != NULL; i++) {
		const struct setting *row = settings_row(i);
		buf_printf(out, "  %-20s ", row->name);
		add_plain(out, row->help);
		describe_values(out, row);
		BUF_LIT(out, "\n                       default: ");
		add_plain(out, *row->otherwise != '\0' ? row->otherwise : row->otherwise_says);
		buf_char(out, '\n');
	}
}

void config_markdown(struct buf *out)
{
	BUF_LIT(out, "| setting | default | meaning |\n| --- | --- | --- |\n");
	for (size_t i = 0; settings_row(i) != NULL; i++) {
		const struct setting *row = settings_row(i);
		buf_printf(out, "| `%s` | ", row->name);
		if (*row->otherwise != '\0')
			buf_printf(out, "`%s`", row->otherwise);
		else
			buf_printf(out, "%s", row->otherwise_says);
		buf_printf(out, " | %s", row->help);
		describe_values(out, row);
		BUF_LIT(out, " |\n");
	}
}
