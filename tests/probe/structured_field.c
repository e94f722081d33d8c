/* What is read goes out in the JSON of the HTTP working group's test vectors. */
#include "base/structured_field.h"
#include "probe/verb.h"

/* RFC 4648, section 6, with padding. */
static struct str base32(struct arena *a, struct str bytes)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
	struct buf        out;

	buf_init(&out, a, ANSWER_MAX_BYTES);
	for (size_t i = 0; i < bytes.len; i += 5) {
		size_t   left = bytes.len - i < 5 ? bytes.len - i : 5;
		uint64_t group = 0;
		for (size_t j = 0; j < 5; j++)
			group = group << 8 | (j < left ? (unsigned char)bytes.ptr[i + j] : 0);
		for (size_t j = 0; j < 8; j++)
			buf_char(&out, j <= (8 * left - 1) / 5 ?
			    digits[group >> (35 - 5 * j) & 31] : '=');
	}
	return buf_str(&out);
}

static void put_typed(struct json_writer *w, const char *type, struct str value)
{
	json_object_open(w);
	json_member_string(w, "__type", str_of(type));
	json_member_string(w, "value", value);
	json_object_close(w);
}

static void put_value(struct call *c, const struct sf_value *v)
{
	struct buf number;

	switch (v->kind) {
	case SF_INTEGER:
	case SF_DECIMAL:
		buf_init(&number, c->arena, 64);
		sf_write_value(&number, v);
		json_put_raw(&c->w, buf_str(&number));
		break;
	case SF_STRING:
		json_put_string(&c->w, v->text);
		break;
	case SF_TOKEN:
		put_typed(&c->w, "token", v->text);
		break;
	case SF_BYTES:
		put_typed(&c->w, "binary", base32(c->arena, v->text));
		break;
	case SF_BOOLEAN:
		json_put_bool(&c->w, v->number != 0);
		break;
	}
}

static void put_parameters(struct call *c, const struct sf_parameters *p)
{
	json_array_open(&c->w);
	for (size_t i = 0; i < p->count; i++) {
		json_array_open(&c->w);
		json_put_string(&c->w, p->list[i].key);
		put_value(c, &p->list[i].value);
		json_array_close(&c->w);
	}
	json_array_close(&c->w);
}

static void put_item(struct call *c, const struct sf_item *i)
{
	json_array_open(&c->w);
	put_value(c, &i->value);
	put_parameters(c, &i->parameters);
	json_array_close(&c->w);
}

static void put_member(struct call *c, const struct sf_member *m)
{
	if (!m->is_inner) {
		put_item(c, &m->item);
		return;
	}
	json_array_open(&c->w);
	json_array_open(&c->w);
	for (size_t i = 0; i < m->n_inner; i++)
		put_item(c, &m->inner[i]);
	json_array_close(&c->w);
	put_parameters(c, &m->item.parameters);
	json_array_close(&c->w);
}

static void put_members(struct call *c, const struct sf_members *members)
{
	json_array_open(&c->w);
	for (size_t i = 0; i < members->count; i++) {
		const struct sf_member *m = &members->list[i];
		if (m->key.ptr != NULL) {
			json_array_open(&c->w);
			json_put_string(&c->w, m->key);
		}
		put_member(c, m);
		if (m->key.ptr != NULL)
			json_array_close(&c->w);
	}
	json_array_close(&c->w);
}

static bool put_answer(struct call *c, const struct sf_item *item, const struct sf_members *members,
    void (*write)(struct buf *, const struct sf_members *))
{
	struct buf text;

	buf_init(&text, c->arena, ANSWER_MAX_BYTES);
	json_object_open(&c->w);
	json_name(&c->w, "parsed");
	if (item != NULL) {
		put_item(c, item);
		sf_write_item(&text, item);
	} else {
		put_members(c, members);
		write(&text, members);
	}
	json_member_string(&c->w, "serialised", buf_str(&text));
	json_object_close(&c->w);
	return true;
}

bool structured_field_verb(struct call *c)
{
	struct sf_members members;
	struct sf_item    item;
	struct texts      raw;
	struct str        type, text;
	enum err          e;

	if (!read_text(c, "type", &type) || !read_texts(c, "raw", &raw))
		return false;
	text = join(c->arena, &raw);
	if (str_eq(type, STR("item"))) {
		e = sf_read_item(c->arena, text, &item);
		return e == OK ? put_answer(c, &item, NULL, NULL) : refuse(c, str_of(err_text(e)));
	}
	if (str_eq(type, STR("list"))) {
		e = sf_read_list(c->arena, text, &members);
		return e == OK ? put_answer(c, NULL, &members, sf_write_list) :
		    refuse(c, str_of(err_text(e)));
	}
	if (!str_eq(type, STR("dictionary")))
		return refuse(c, STR("type must be item, list or dictionary"));
	e = sf_read_dictionary(c->arena, text, &members);
	return e == OK ? put_answer(c, NULL, &members, sf_write_dictionary) :
	    refuse(c, str_of(err_text(e)));
}
