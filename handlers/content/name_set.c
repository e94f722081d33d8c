#include "content/name_set.h"

#include "base/id.h"

#define FIRST_ROOM 64

void name_set_init(struct name_set *s, struct arena *a)
{
	*s = (struct name_set){ .arena = a };
	id_random(&s->key, sizeof(s->key));
}

static struct name_place *find(const struct name_set *s, struct str name)
{
	size_t i = (size_t)siphash(&s->key, name) & (s->room - 1);

	while (s->table[i].name.ptr != NULL && !str_eq(s->table[i].name, name))
		i = (i + 1) & (s->room - 1);
	return &s->table[i];
}

static void grow(struct name_set *s)
{
	struct name_set old = *s;

	s->room = old.room == 0 ? FIRST_ROOM : 2 * old.room;
	s->table = ARENA_ARRAY(s->arena, s->room, struct name_place);
	for (size_t i = 0; i < old.room; i++)
		if (old.table[i].name.ptr != NULL)
			*find(s, old.table[i].name) = old.table[i];
}

struct str name_set_where(const struct name_set *s, struct str name)
{
	return s->room == 0 ? STR_NONE : find(s, name)->where;
}

struct str name_set_meet(struct name_set *s, struct str name, struct str where)
{
	if (2 * s->count >= s->room)
		grow(s);
	struct name_place *place = find(s, name);
	if (place->name.ptr != NULL)
		return place->where;
	place->name = arena_dup(s->arena, name);
	place->where = arena_dup(s->arena, where);
	s->count++;
	return STR_NONE;
}
