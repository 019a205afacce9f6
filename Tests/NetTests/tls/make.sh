#!/bin/sh
# Makes the authority and the certificates of the tests, which are good for a hundred years. Run in this folder.
set -eu
make() { # name, subject alternative name
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1-key.pem" -out "$1.csr" -subj "/CN=$1"
    printf 'subjectAltName=%s\nextendedKeyUsage=serverAuth\n' "$2" > "$1.ext"
    openssl x509 -req -in "$1.csr" -CA authority.pem -CAkey authority-key.pem -CAcreateserial -days 36500 \
        -extfile "$1.ext" -out "$1.pem"
    rm "$1.csr" "$1.ext"
}
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 36500 -subj "/CN=bullpen tests" \
    -keyout authority-key.pem -out authority.pem
make local "DNS:localhost,IP:127.0.0.1"
make elsewhere "DNS:elsewhere.invalid"
rm authority-key.pem authority.srl
