#!/bin/sh
# Assembles the root filesystem of the image: `deploy/image/rootfs.sh BINARY FOLDER [SBOM]`. The Dockerfile and
# the tests run the same script. The folder is the same, byte by byte, for the same inputs: all times in it are
# SOURCE_DATE_EPOCH, or 0 without it.
#
# It has the binary, the libraries that it names, the public certificate authorities, one account, and what
# scanners read. It has no shell, and no folder that the account can write to but /tmp, for temporary files.
set -eu
binary=$1
root=$2
sbom=${3-}
umask 022

if [ -e "$root" ]; then
  echo "rootfs.sh: $root exists already" >&2
  exit 1
fi
mkdir -p "$root/etc/identity-link" "$root/usr/bin" "$root/var/lib/dpkg/status.d"
install -m 755 "$binary" "$root/usr/bin/identity-link"

# Each library at the path at which the binary or its loader looks for it, as a file instead of a link.
packages=
for library in $(ldd "$binary" | grep -o '/[^ ]*'); do
  mkdir -p "$root$(dirname "$library")"
  install -m 755 "$(readlink -f "$library")" "$root$library"
  # A scanner asks which package a library is from, as in Debian's own images.
  for path in "$library" "$(readlink -f "$library")"; do
    package=$(dpkg-query --search "$path" 2>/dev/null | head -n 1 | cut -d : -f 1)
    if [ -n "$package" ]; then packages="$packages $package"; fi
  done
done
for package in $packages; do
  dpkg-query --status "$package" > "$root/var/lib/dpkg/status.d/$package"
done
install -m 644 "$(readlink -f /etc/os-release)" "$root/etc/os-release"

# The package ca-certificates makes this file; the service reads it.
mkdir -p "$root/etc/ssl/certs"
install -m 644 /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"

echo 'identity-link:x:65532:65532:identity-link:/nonexistent:/sbin/nologin' > "$root/etc/passwd"
echo 'identity-link:x:65532:' > "$root/etc/group"
# Names of the pod or of the composition are in /etc/hosts, which the engine mounts.
echo 'hosts: files dns' > "$root/etc/nsswitch.conf"

# A volume there gets this mode from an engine that fills it from the image.
mkdir -m 1777 "$root/tmp"

if [ -n "$sbom" ]; then
  mkdir -p "$root/usr/share/sbom"
  install -m 644 "$sbom" "$root/usr/share/sbom/identity-link.cdx.json"
fi
find "$root" -exec touch --no-dereference --date "@${SOURCE_DATE_EPOCH:-0}" {} +
