#!/bin/sh
# Usage: testssl.sh SWIFT
#
# What testssl.sh, which others wrote to find fault with servers, finds of coro-serve: protocols, ciphers, the certificate's
# chain, resumption, the answer's head, and the attacks that have names. It takes one to three minutes.
#
# A finding of MEDIUM or worse fails the check; there is no list of those that are forgiven. Two things that would be found and
# are no fault of a server's are taken care of here:
# - The certificate comes from an authority made for the run, which testssl is told to trust, and names a place for a list of
#   those that are revoked: it is a server with a certificate of its owner's that is looked at.
# - No DNS: 127.0.0.1 has no record of who may issue for it (CAA).
# What is LOW is shown: that there is no Strict-Transport-Security, by which a development server would bind browsers to https
# for every other server on that host, whatever its port.
#
# Exit codes: 0 nothing worse than LOW, 1 something, or no report, 77 testssl or openssl is not installed.
set -eu
swift=$1
testssl=$(command -v testssl || command -v testssl.sh || true)
[ -n "$testssl" ] || { echo "testssl: testssl is not installed: apt-get install testssl.sh" >&2; exit 77; }
command -v openssl >/dev/null 2>&1 || { echo "testssl: openssl is not installed: apt-get install openssl" >&2; exit 77; }
"$swift" build --product coro-serve --quiet
bin=$("$swift" build --show-bin-path)

folder=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; rm -rf "$folder"' EXIT
trap 'exit 1' INT TERM
curve='-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'
# shellcheck disable=SC2086
openssl req -x509 $curve -days 3650 -subj '/CN=An authority for one run' -keyout "$folder/ca.key" -out "$folder/ca.pem" \
    -addext keyUsage=critical,keyCertSign,cRLSign 2>"$folder/words" &&
    openssl req -x509 $curve -days 90 -subj /CN=localhost -keyout "$folder/key.pem" -out "$folder/certificate.pem" \
        -CA "$folder/ca.pem" -CAkey "$folder/ca.key" -addext subjectAltName=DNS:localhost,IP:127.0.0.1 \
        -addext basicConstraints=critical,CA:FALSE -addext keyUsage=critical,digitalSignature \
        -addext extendedKeyUsage=serverAuth -addext crlDistributionPoints=URI:http://127.0.0.1/revoked.crl \
        2>"$folder/words" || { cat "$folder/words" >&2; exit 1; }

"$bin/coro-serve" --quiet --port 0 --tls-cert "$folder/certificate.pem" --tls-key "$folder/key.pem" 2>"$folder/words" &
server=$!
for _ in $(seq 100); do
    url=$(sed -n 's/.*\(https:\/\/[^ ]*\)\/.*/\1/p' "$folder/words")
    [ -n "$url" ] && break
    sleep 0.1
done
[ -n "$url" ] || { echo "testssl: coro-serve did not start:" >&2; cat "$folder/words" >&2; exit 1; }

echo "testssl: looking at coro-serve; this takes a minute or more ..."
# Its own exit code counts findings in a way of its own; the report is what is judged.
(cd "$folder" && timeout 900 "$testssl" --quiet --color 0 --warnings off --nodns none --add-ca ca.pem --jsonfile report \
    "$url" >output 2>&1 </dev/null) || true
kill -0 "$server" || { echo "testssl: coro-serve did not live through it:" >&2; cat "$folder/words" >&2; exit 1; }

# The report has a line for each member of a finding, "severity" : "LOW".
awk -F '"' '
    $2 == "id" { id = $4 }
    $2 == "severity" { severity = $4 }
    $2 == "finding" {
        finding = substr($0, index($0, ":") + 2)
        seen[id] = severity
        count[severity]++
        if (severity != "OK" && severity != "INFO" && severity != "DEBUG") print "testssl: " severity " " id ": " finding
        # WARN is what it could not look at.
        if (severity !~ /^(OK|INFO|DEBUG|LOW|WARN)$/) worse++
    }
    END {
        # A report that stops short, or of something else, has found nothing because it has not looked.
        if (seen["TLS1_3"] != "OK" || seen["heartbleed"] != "OK" || !("scanTime" in seen)) {
            print "testssl: it has not come to its end."
            exit 1
        }
        print "testssl: " count["OK"] " findings are OK, " worse + 0 " worse than LOW."
        exit worse > 0
    }
' "$folder/report" || { tail -n 20 "$folder/output" >&2; exit 1; }
