# Shared by the scripts: the repository's root, messages, timed steps, and Node 22 from npm on the PATH.
# Sourced, not run.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root"
tools=$root/.tools
mkdir -p "$tools"
export PATH="$root/node_modules/.bin:$PATH"

say() { printf '%s\n' "== $*" >&2; }
die() { printf '%s\n' "$(basename "$0"): $*" >&2; exit 1; }

# step WHAT COMMAND...: says what is done, does it, says how long it took.
step() {
  local what=$1 start=$SECONDS
  shift
  say "$what"
  "$@" || return
  say "done in $((SECONDS - start)) s"
}

# locked_version CRATE: the version that Cargo.lock has chosen.
locked_version() {
  awk -v want="name = \"$1\"" '$0 == want { getline; gsub(/[^0-9.]/, ""); print; exit }' Cargo.lock
}
