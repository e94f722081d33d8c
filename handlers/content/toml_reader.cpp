extern "C" {
#include "content/toml_reader.h"
}

#include <cstdio>
#include <cstring>
#include <new>
#include <sstream>
#include <string>
#include <string_view>

#include <toml++/toml.h>

namespace
{

void put_node(json_writer *w, const toml::node &node);

str view(std::string_view s)
{
	return str{ s.data() == nullptr ? "" : s.data(), s.size() };
}

template <typename Time> void put_time(json_writer *w, const Time &time, const char *suffix)
{
	std::ostringstream text;

	text << time << suffix;
	json_put_string(w, view(text.str()));
}

void put_table(json_writer *w, const toml::table &table)
{
	json_object_open(w);
	for (const auto &[key, node] : table) {
		json_name_str(w, view(key.str()));
		put_node(w, node);
	}
	json_object_close(w);
}

void put_array(json_writer *w, const toml::array &array)
{
	json_array_open(w);
	for (const auto &node : array)
		put_node(w, node);
	json_array_close(w);
}

void put_node(json_writer *w, const toml::node &node)
{
	switch (node.type()) {
	case toml::node_type::table: put_table(w, *node.as_table()); break;
	case toml::node_type::array: put_array(w, *node.as_array()); break;
	case toml::node_type::string: json_put_string(w, view(node.as_string()->get())); break;
	case toml::node_type::integer: json_put_int(w, node.as_integer()->get()); break;
	case toml::node_type::floating_point:
		json_put_double(w, node.as_floating_point()->get());
		break;
	case toml::node_type::boolean: json_put_bool(w, node.as_boolean()->get()); break;
	case toml::node_type::date: put_time(w, node.as_date()->get(), ""); break;
	case toml::node_type::time: put_time(w, node.as_time()->get(), ""); break;
	case toml::node_type::date_time: {
		const toml::date_time &time = node.as_date_time()->get();

		put_time(w, time, time.offset ? "" : "Z");
		break;
	}
	case toml::node_type::none: json_put_null(w); break;
	}
}

void fill(toml_error *error, const toml::parse_error &e)
{
	const std::string reason(e.description());

	error->line = e.source().begin.line;
	error->column = e.source().begin.column;
	std::snprintf(error->reason, sizeof(error->reason), "%s", reason.c_str());
}

} // namespace

enum err toml_read(struct str text, struct json_writer *out, struct toml_error *error)
{
	try {
		put_table(out, toml::parse(std::string_view(text.ptr, text.len)));
		return OK;
	} catch (const toml::parse_error &e) {
		fill(error, e);
		return ERR_INVALID;
	} catch (const std::bad_alloc &) {
		return ERR_NO_MEMORY;
	} catch (...) {
		*error = { 1, 0, "not readable" };
		return ERR_INVALID;
	}
}
