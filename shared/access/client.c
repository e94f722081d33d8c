/*
 * Which address is the client's, when proxies stand between.
 * Every proxy appends on the right; whatever stands on the left may be the
 * client's own invention.  So both headers are read from the right, and what is
 * malformed on the left cannot change how the right is read.
 */
#include "access/address.h"

struct client {
	struct address address;
	bool           known;
};

/* Takes the last hop off *list and reads its address.  False at the end of the
 * list, and for what is no address (unknown, obfuscated, malformed). */
typedef bool hop_reader(struct str *list, struct address *out);

/* Cuts off the hop that begins at `begin`, and the comma before it if there is one. */
static struct str cut_from(struct str *list, size_t begin)
{
	struct str last = str_from(*list, begin);

	*list = begin > 0 ? str_first(*list, begin - 1) : STR_NONE;
	return str_trim(last);
}

static bool is_port(struct str s)
{
	uint64_t port;

	return s.len <= 5 && str_to_u64(s, &port) && port <= 65535;
}

static bool is_obfuscated(struct str s)
{
	if (s.len < 2 || s.ptr[0] != '_')
		return false;
	for (size_t i = 1; i < s.len; i++) {
		char c = s.ptr[i];
		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		    c == '.' || c == '_' || c == '-'))
			return false;
	}
	return true;
}

/* "192.0.2.1", "192.0.2.1:80", "[2001:db8::1]", "[2001:db8::1]:80": an address as
 * RFC 7239, section 6, writes a node. */
static bool parse_node(struct str s, bool obfuscated_port, struct address *out)
{
	bool       bracketed = str_starts(s, STR("["));
	size_t     end = bracketed ? str_index(s, ']') : str_index(s, ':');
	struct str host, tail;

	if (bracketed && end == s.len)
		return false;
	host = bracketed ? (struct str){ s.ptr + 1, end - 1 } : str_first(s, end);
	tail = str_from(s, bracketed ? end + 1 : end);
	if (tail.len > 0) {
		struct str port = str_from(tail, 1);
		if (tail.ptr[0] != ':')
			return false;
		if (!is_port(port) && !(obfuscated_port && is_obfuscated(port)))
			return false;
	}
	/* Brackets are IPv6's, and IPv6 alone has colons. */
	return bracketed == (str_index(host, ':') < host.len) && address_parse(host, out);
}

/* X-Forwarded-For has no grammar of its own: a node, or IPv6 without brackets. */
static bool read_plain(struct str *list, struct address *out)
{
	size_t begin = list->len;

	while (begin > 0 && list->ptr[begin - 1] != ',')
		begin--;
	struct str hop = cut_from(list, begin);
	return parse_node(hop, false, out) || address_parse(hop, out);
}

/* Whether the quote at `at` stands behind an odd number of backslashes. */
static bool is_escaped(struct str s, size_t at)
{
	size_t backslashes = 0;

	while (backslashes < at && s.ptr[at - backslashes - 1] == '\\')
		backslashes++;
	return backslashes % 2 == 1;
}

/* The last element of a list whose elements may hold quoted strings, found from
 * the right: an open quote that a client sent cannot swallow what came behind. */
static struct str cut_last_element(struct str *list)
{
	bool   quoted = false;
	size_t begin = list->len;

	for (; begin > 0; begin--) {
		char c = list->ptr[begin - 1];
		if (c == '"' && !(quoted && is_escaped(*list, begin - 1)))
			quoted = !quoted;
		if (c == ',' && !quoted)
			break;
	}
	return cut_from(list, begin);
}

static bool is_token_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	    (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static struct str take_token(struct str *rest)
{
	size_t n = 0;

	while (n < rest->len && is_token_char(rest->ptr[n]))
		n++;
	struct str token = str_first(*rest, n);
	*rest = str_from(*rest, n);
	return token;
}

/* A quoted string's content, between the quotes (RFC 9110, 5.6.4).  An escape has no
 * place in an address; the content is given as it stands. */
static bool take_quoted(struct str *rest, struct str *content)
{
	size_t n = 1;

	while (n < rest->len && rest->ptr[n] != '"')
		n += rest->ptr[n] == '\\' ? 2 : 1;
	if (n >= rest->len)
		return false;
	*content = (struct str){ rest->ptr + 1, n - 1 };
	*rest = str_from(*rest, n + 1);
	return true;
}

/* token "=" ( token / quoted-string ) */
static bool take_pair(struct str *rest, struct str *name, struct str *value)
{
	*name = take_token(rest);
	if (name->len == 0 || !str_starts(*rest, STR("=")))
		return false;
	*rest = str_from(*rest, 1);
	if (str_starts(*rest, STR("\"")))
		return take_quoted(rest, value);
	*value = take_token(rest);
	return value->len > 0;
}

/* The "for" of one forwarded-element (RFC 7239, section 4): pairs between
 * semicolons, each name once. */
static bool find_for(struct str element, struct str *node)
{
	*node = STR_NONE;
	while (element.len > 0) {
		struct str name, value;
		if (!str_starts(element, STR(";"))) {
			if (!take_pair(&element, &name, &value))
				return false;
			if (str_eq_nocase(name, STR("for"))) {
				if (node->ptr != NULL)
					return false;
				*node = value;
			}
		}
		element = str_trim(element);
		if (element.len > 0 && element.ptr[0] != ';')
			return false;
		element = str_trim(str_from(element, 1));
	}
	return node->ptr != NULL;
}

static bool read_forwarded(struct str *list, struct address *out)
{
	struct str element = STR_NONE, node;

	/* Empty elements of a list do not count (RFC 9110, 5.6.1). */
	while (list->len > 0 && element.len == 0)
		element = cut_last_element(list);
	return find_for(element, &node) && parse_node(node, true, out);
}

static bool is_trusted(const struct address *a, const struct address_ranges *trusted)
{
	for (size_t i = 0; i < trusted->count; i++)
		if (address_in_range(a, &trusted->list[i]))
			return true;
	return false;
}

bool address_peer_is_trusted(struct str peer, const struct address_ranges *trusted)
{
	struct address a;

	return address_parse(peer, &a) ? is_trusted(&a, trusted) : trusted->unix_peer;
}

/* From the peer to the left, as far as the hops are trusted proxies, and one more. */
static struct client walk(struct client from, struct str list, hop_reader *read,
    const struct address_ranges *trusted)
{
	for (size_t hops = 0; hops < FORWARDED_HOPS_MAX; hops++) {
		struct address hop;
		if (list.len == 0 || !read(&list, &hop))
			break;
		from = (struct client){ hop, true };
		if (!is_trusted(&hop, trusted))
			break;
	}
	return from;
}

static bool is_same(const struct client *a, const struct client *b)
{
	return a->known == b->known && (!a->known ||
	    memcmp(a->address.bytes, b->address.bytes, sizeof(a->address.bytes)) == 0);
}

static struct client behind_proxies(struct client peer, const struct address_ranges *trusted,
    const struct address_headers *h)
{
	bool          both = h->forwarded.len > 0 && h->x_forwarded_for.len > 0;
	struct client standard = walk(peer, h->forwarded, read_forwarded, trusted);
	struct client usual = walk(peer, h->x_forwarded_for, read_plain, trusted);

	/* Most proxies write one of the two and pass the other through from the
	 * client: where they differ, one is forged, and none tells which. */
	if (both)
		return is_same(&standard, &usual) ? standard : peer;
	if (h->forwarded.len > 0)
		return standard;
	if (h->x_forwarded_for.len > 0)
		return usual;
	return walk(peer, h->x_real_ip, read_plain, trusted);
}

struct str address_of_client(struct arena *a, struct str peer,
    const struct address_ranges *trusted, const struct address_headers *headers)
{
	struct client client = { .known = false };
	char          text[ADDRESS_TEXT_SIZE];

	client.known = address_parse(peer, &client.address);
	if (client.known ? is_trusted(&client.address, trusted) : trusted->unix_peer)
		client = behind_proxies(client, trusted, headers);
	if (!client.known)
		return STR("");
	address_format(&client.address, text);
	return arena_dup(a, str_of(text));
}

bool address_is_this_machine(struct str peer, const struct address_headers *headers)
{
	struct address a;

	if (headers->forwarded.len > 0 || headers->x_forwarded_for.len > 0 ||
	    headers->x_real_ip.len > 0)
		return false;
	return address_parse(peer, &a) && address_is_loopback(&a);
}
