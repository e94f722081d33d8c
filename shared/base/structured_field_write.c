/* The canonical form of a field (RFC 8941, 4.1). */
#include "base/structured_field.h"

#include "base/crypto.h"

#define THOUSANDTHS 1000

/* With one digit behind the point at least, and no zero that says nothing. */
static void write_decimal(struct buf *out, int64_t thousandths)
{
	uint64_t n = thousandths < 0 ? 0 - (uint64_t)thousandths : (uint64_t)thousandths;
	unsigned fraction = (unsigned)(n % THOUSANDTHS);

	if (thousandths < 0)
		buf_char(out, '-');
	buf_u64(out, n / THOUSANDTHS);
	if (fraction % 100 == 0)
		buf_printf(out, ".%u", fraction / 100);
	else if (fraction % 10 == 0)
		buf_printf(out, ".%02u", fraction / 10);
	else
		buf_printf(out, ".%03u", fraction);
}

static void write_string(struct buf *out, struct str text)
{
	buf_char(out, '"');
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] == '"' || text.ptr[i] == '\\')
			buf_char(out, '\\');
		buf_char(out, text.ptr[i]);
	}
	buf_char(out, '"');
}

void sf_write_value(struct buf *out, const struct sf_value *v)
{
	switch (v->kind) {
	case SF_INTEGER:
		buf_i64(out, v->number);
		break;
	case SF_DECIMAL:
		write_decimal(out, v->number);
		break;
	case SF_STRING:
		write_string(out, v->text);
		break;
	case SF_TOKEN:
		buf_add(out, v->text);
		break;
	case SF_BYTES:
		buf_char(out, ':');
		crypto_base64_add(out, v->text);
		buf_char(out, ':');
		break;
	case SF_BOOLEAN:
		buf_add(out, v->number != 0 ? STR("?1") : STR("?0"));
		break;
	}
}

/* True is said by the key alone. */
static bool is_true(const struct sf_value *v)
{
	return v->kind == SF_BOOLEAN && v->number != 0;
}

void sf_write_parameters(struct buf *out, const struct sf_parameters *p)
{
	for (size_t i = 0; i < p->count; i++) {
		buf_char(out, ';');
		buf_add(out, p->list[i].key);
		if (is_true(&p->list[i].value))
			continue;
		buf_char(out, '=');
		sf_write_value(out, &p->list[i].value);
	}
}

void sf_write_item(struct buf *out, const struct sf_item *i)
{
	sf_write_value(out, &i->value);
	sf_write_parameters(out, &i->parameters);
}

void sf_write_member(struct buf *out, const struct sf_member *m)
{
	if (!m->is_inner) {
		sf_write_item(out, &m->item);
		return;
	}
	buf_char(out, '(');
	for (size_t i = 0; i < m->n_inner; i++) {
		if (i > 0)
			buf_char(out, ' ');
		sf_write_item(out, &m->inner[i]);
	}
	buf_char(out, ')');
	sf_write_parameters(out, &m->item.parameters);
}

void sf_write_list(struct buf *out, const struct sf_members *m)
{
	for (size_t i = 0; i < m->count; i++) {
		if (i > 0)
			BUF_LIT(out, ", ");
		sf_write_member(out, &m->list[i]);
	}
}

void sf_write_dictionary(struct buf *out, const struct sf_members *m)
{
	for (size_t i = 0; i < m->count; i++) {
		const struct sf_member *member = &m->list[i];

		if (i > 0)
			BUF_LIT(out, ", ");
		buf_add(out, member->key);
		if (!member->is_inner && is_true(&member->item.value)) {
			sf_write_parameters(out, &member->item.parameters);
			continue;
		}
		buf_char(out, '=');
		sf_write_member(out, member);
	}
}
