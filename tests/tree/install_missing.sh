#!/bin/bash
# On a machine where dpkg has never heard of a package, and so fails, deploy/install
# still finds what is missing: that is every new machine.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cat >"$dir/dpkg-query" <<'END'
#!/bin/sh
echo 'installed gcc'
echo 'not-installed cmake'
echo 'dpkg-query: no packages found matching libfcgi-dev' >&2
exit 1
END
chmod +x "$dir/dpkg-query"
missing=$(PATH=$dir:$PATH deploy/install --missing build)
for package in cmake libfcgi-dev libsqlite3-dev; do
	grep -qxF "$package" <<<"$missing" || { echo "$package is not called missing"; exit 1; }
done
! grep -qxF gcc <<<"$missing" || { echo 'gcc is there, and called missing'; exit 1; }
