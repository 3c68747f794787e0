#!/usr/bin/env bash
# Makes the certificates for the brokers and the vessels with openssl alone. docs/broker-setup.md shows how they are used.
set -euo pipefail
umask 077

usage() {
  cat <<'TEXT'
Usage: make-certificates.sh [--dir FOLDER] [--days DAYS] COMMAND

  authority [NAME]        a certificate authority of your own; once, on a machine that is not the broker
  server HOST [ALTNAME..] a certificate for a broker: the names and addresses that clients dial, as DNS:name or IP:address
  client NAME             a certificate for a vessel (NAME is its vessel id) or for a system on shore
  revoke NAME             makes a certificate of a server or client invalid from now on, and writes revoked.crl anew
  crl                     writes revoked.crl anew, before it expires
  list                    what was issued: state, expiry (UTC), name

  --dir FOLDER   where everything is kept                        (default: certificates)
  --days DAYS    how long what is made now is valid              (default: authority 3650, server 825, client 825, revoked.crl 825)

FOLDER holds: ca.crt (everybody gets it), revoked.crl (for the brokers), issued/NAME.crt and issued/NAME.key, and authority/ with the
key that signs: keep that one off the network. Nobody but you can read a key. Exit code 0: done; 1: it failed; 64: wrong usage.

Examples:
  make-certificates.sh authority "Example Shipping"
  make-certificates.sh server broker.shore.example DNS:broker.shore.example
  make-certificates.sh client mv-aurora
TEXT
}

fail() { echo "make-certificates.sh: $1" >&2; exit "${2:-1}"; }

folder=certificates
days=
while (($# > 0)); do
  case $1 in
    --dir) folder=${2:?--dir needs a folder}; shift 2 ;;
    --days) days=${2:?--days needs a number}; shift 2 ;;
    --help | -h) usage; exit 0 ;;
    -*) fail "unknown option $1; try --help" 64 ;;
    *) break ;;
  esac
done
[[ -z $days || $days =~ ^[1-9][0-9]{0,4}$ ]] || fail "--days needs a whole number of days, from 1 to 99999" 64
command -v openssl >/dev/null || fail "openssl is not installed"
authority=$folder/authority

# A vessel id (VESSEL_ID of the service): it becomes a level of topics and a user name, and must not mean anything else there.
check_name() {
  [[ $1 =~ ^[A-Za-z0-9_.-]{1,64}$ ]] || fail "\"$1\" is no name: 1 to 64 letters, digits, dots, dashes or underscores" 64
}

need_authority() {
  [[ -f $authority/ca.key ]] || fail "there is no authority in $folder; make one first: make-certificates.sh authority"
}

# What openssl would ask for. SAN and the kind of use come from the command line of each certificate.
write_settings() {
  cat >"$authority/openssl.cnf" <<TEXT
[ca]
default_ca = ours
[ours]
database = $authority/index.txt
serial = $authority/serial
crlnumber = $authority/crlnumber
new_certs_dir = $authority/issued
certificate = $folder/ca.crt
private_key = $authority/ca.key
default_md = sha256
policy = any_name
unique_subject = no
[any_name]
commonName = supplied
[req]
distinguished_name = name
[name]
[authority]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
TEXT
}

new_key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1"; }

make_authority() {
  [[ ! -e $authority/ca.key ]] || fail "$folder has an authority already; a new one would make all its certificates worthless"
  mkdir -p "$authority/issued" "$folder/issued"
  : >"$authority/index.txt"
  echo 01 >"$authority/crlnumber"
  write_settings
  new_key "$authority/ca.key"
  openssl req -x509 -new -config "$authority/openssl.cnf" -extensions authority -key "$authority/ca.key" -sha256 \
    -days "${days:-3650}" -subj "/CN=${1:-ARUS MQTT Sync}" -out "$folder/ca.crt"
  chmod 644 "$folder/ca.crt"
  write_crl
}

write_crl() {
  openssl ca -config "$authority/openssl.cnf" -gencrl -crldays "${days:-825}" -out "$folder/revoked.crl" 2>/dev/null
  chmod 644 "$folder/revoked.crl"
}

# GNU's date, or that of BSD and macOS.
hour_ago() { date -u -d '1 hour ago' +%Y%m%d%H%M%SZ 2>/dev/null || date -u -v-1H +%Y%m%d%H%M%SZ; }

# issue NAME EXTENSIONS: a key and a certificate, valid from an hour ago, since ships' clocks are not always right.
issue() {
  local name=$1 extensions=$2 target=$folder/issued/$1
  [[ ! -e $target.crt ]] || fail "$target.crt exists; move both files of $name away to make new ones, or revoke it"
  new_key "$target.key"
  openssl req -new -config "$authority/openssl.cnf" -key "$target.key" -subj "/CN=$name" -out "$target.csr"
  printf '%s\n' "$extensions" >"$target.ext"
  openssl ca -batch -notext -rand_serial -config "$authority/openssl.cnf" -in "$target.csr" -extfile "$target.ext" \
    -startdate "$(hour_ago)" -days "${days:-825}" -out "$target.crt" 2>"$target.log" ||
    { cat "$target.log" >&2; rm -f "$target".*; fail "openssl did not sign the certificate of $name"; }
  rm -f "$target.csr" "$target.ext" "$target.log"
  chmod 644 "$target.crt"
  echo "$target.crt"
}

make_server() {
  local name=$1 names
  shift
  (($# > 0)) || set -- "DNS:$name"
  for names in "$@"; do
    [[ $names =~ ^(DNS:[A-Za-z0-9.*-]+|IP:[0-9A-Fa-f.:]+)$ ]] || fail "\"$names\" is no DNS:name or IP:address" 64
  done
  names=$(IFS=,; echo "$*")
  issue "$name" "basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = $names"
}

make_client() {
  issue "$1" "basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = clientAuth"
}

# Every valid certificate of that name: after a renewal there are two.
revoke() {
  local serials serial
  serials=$(awk -F '\t' -v name="/CN=$1" '$1 == "V" && $6 == name { print $4 }' "$authority/index.txt")
  [[ -n $serials ]] || fail "no valid certificate was issued for $1"
  for serial in $serials; do
    openssl ca -config "$authority/openssl.cnf" -revoke "$authority/issued/$serial.pem" 2>/dev/null ||
      fail "openssl did not revoke $serial of $1"
  done
  rm -f "$folder/issued/$1.crt" "$folder/issued/$1.key"
  write_crl
}

# The database of openssl has the state, the time of expiry as YYMMDDHHMMSSZ, and the name, among others.
list() {
  awk -F '\t' '{
    state = $1 == "V" ? "valid" : $1 == "R" ? "revoked" : "expired"
    name = $6; sub(/.*CN *= */, "", name); sub(/.*\/CN=/, "", name)
    at = length($2) > 13 ? substr($2, 3) : $2
    printf "%-8s 20%s-%s-%s  %s\n", state, substr(at, 1, 2), substr(at, 3, 2), substr(at, 5, 2), name
  }' "$authority/index.txt"
}

command=${1:-}
(($# == 0)) || shift
case $command in
  authority) make_authority "$@" ;;
  server | client | revoke)
    [[ -n ${1:-} ]] || fail "$command needs a name; try --help" 64
    check_name "$1"
    need_authority
    case $command in
      server) make_server "$@" ;;
      client) make_client "$1" ;;
      revoke) revoke "$1" ;;
    esac
    ;;
  crl) need_authority; write_crl ;;
  list) need_authority; openssl ca -config "$authority/openssl.cnf" -updatedb 2>/dev/null; list ;;
  '') usage >&2; exit 64 ;;
  *) fail "unknown command $command; try --help" 64 ;;
esac
