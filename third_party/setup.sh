# Set-up that tests/run.sh and samples/run.sh share; sourced by them, from the repository's root.
#
#   ingot_setup SCOPE...    makes sure of what third_party/packages.txt lists under the scopes:
#                           installs what is missing on Debian 12, lists it elsewhere and fails
#   ingot_build TARGET...   builds optimised

# Whether the system has what a probe of packages.txt names.
ingot_have() {
  local kind=${1%%:*} name=${1#*:}
  case $kind in
    program) command -v "$name" >/dev/null ;;
    header) [ -e "/usr/include/$name" ] || [ -e "/usr/local/include/$name" ] ;;
    # The compiler answers with a path for what it finds, and with the bare name for what it does not.
    library) [[ "$(g++ "-print-file-name=$name" 2>/dev/null)" == */* ]] ;;
    llvm)
      local config
      config=$(command -v "llvm-config-$name" "/usr/lib/llvm-$name/bin/llvm-config" | head -n 1)
      [ -n "$config" ] && [ -e "$("$config" --libdir)/libLLVMCore.a" ]
      ;;
    file) [ -e "$name" ] ;;
    *) echo "third_party/packages.txt: unknown probe $1" >&2 && exit 1 ;;
  esac
}

# The rows of the given scopes whose probe finds nothing.
ingot_missing() {
  local scope need probe package
  while read -r scope need probe package; do
    case " $* " in *" $scope "*) ingot_have "$probe" || echo "$scope $need $probe $package" ;; esac
  done < <(grep -v '^#' third_party/packages.txt)
}

ingot_is_debian_12() {
  [ -r /etc/os-release ] && (. /etc/os-release && [ "$ID:$VERSION_ID" = debian:12 ])
}

ingot_install() {
  local as_root=()
  if [ "$(id -u)" != 0 ]; then
    if ! command -v sudo >/dev/null; then
      echo "error: not root, and there is no sudo; as root: apt-get install $*" >&2
      return 1
    fi
    as_root=(sudo)
  fi
  local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q
    -o DPkg::Lock::Timeout=120 -o Dpkg::Use-Pty=0)
  echo "set-up: installing $*"
  # A package source of the user's that is out of order need not stop us; a missing package will.
  "${apt[@]}" update || echo "set-up: apt-get update failed; going on with the lists that are here"
  "${apt[@]}" install -y --no-install-recommends "$@" || {
    echo "error: apt-get could not install $*" >&2
    return 1
  }
}

# Prints the rows of `ingot_missing` for a reader; fails when one of them is a must.
ingot_report_missing() {
  local scope need probe package failed=0
  while read -r scope need probe package; do
    if [ "$need" = must ]; then
      echo "missing: ${probe%%:*} ${probe#*:}   (Debian 12: $package)" >&2
      failed=1
    else
      echo "set-up: no ${probe%%:*} ${probe#*:}: what needs it is skipped   (Debian 12: $package)"
    fi
  done
  return "$failed"
}

ingot_setup() {
  local missing
  missing=$(ingot_missing "$@")
  [ -n "$missing" ] || return 0
  if ingot_is_debian_12; then
    # shellcheck disable=SC2046  # one word a package
    ingot_install $(awk '{print $4}' <<<"$missing" | sort -u) || return 1
    missing=$(ingot_missing "$@")
    [ -n "$missing" ] || return 0
  fi
  ingot_report_missing <<<"$missing" || {
    echo "error: Ingot needs what is listed above" >&2
    return 1
  }
}

ingot_build() {
  bazel build -c opt "$@"
}
