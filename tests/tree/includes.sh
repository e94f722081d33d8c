#!/bin/sh
# Fails when a module of shared/ includes one that stands above it, or when an include
# does not say which module it is of.
set -eu
cd "$(dirname "$0")/../.."

find shared -name '*.[ch]' -print | sort | xargs awk '
BEGIN {
	# Arrows go down this list only.
	split("serve http usage auth access store limit net metrics log config base", modules, " ")
	for (i in modules)
		level[modules[i]] = i + 0
}
FNR == 1 {
	split(FILENAME, parts, "/")
	module = parts[2]
	if (!(module in level))
		wrong(module " is no module: tests/tree/includes.sh lists them")
	files++
}
/^[ \t]*#[ \t]*include[ \t]*"/ {
	path = $0
	sub(/^[^"]*"/, "", path)
	sub(/".*/, "", path)
	split(path, parts, "/")
	if (path !~ /\// || !(parts[1] in level))
		wrong("\"" path "\" is of no module of shared/")
	else if (level[parts[1]] < level[module])
		wrong(module " includes \"" path "\", and " parts[1] " stands above it")
}
function wrong(what) {
	print FILENAME ":" FNR ": " what
	failed = 1
}
END {
	if (files == 0) {
		print "there is no file in shared/"
		failed = 1
	}
	exit failed
}'
