#!/usr/bin/env bash
# The official drivers of four languages against a real server. Toolchains come with the machine; packages are installed by
# name from their registries. A missing tool is a failure, not a skip. `run.sh python go` runs only those.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
work="$root/target/drivers"
python="$root/target/python/bin/python"
mkdir -p "$work"
if [ ! -x "$python" ] || ! "$python" -c 'import neo4j, pytest' 2>/dev/null; then
    python3 -m venv "$root/target/python"
    "$root/target/python/bin/pip" install --quiet --requirement "$root/tests/requirements.txt"
fi
languages=("$@")
[ ${#languages[@]} -gt 0 ] || languages=(python javascript java go)

for tool in python3 node npm mvn keytool go; do
    command -v "$tool" >/dev/null || { echo "the driver suites need $tool" >&2; exit 1; }
done

run_python() {
    "$python" "$here/server.py" "$python" -m pytest -q --color=no "$here/python"
}

run_javascript() {
    mkdir -p "$work/javascript"
    cp "$here"/javascript/* "$work/javascript/"
    (cd "$work/javascript" && npm install --silent --no-fund --no-audit)
    (cd "$work/javascript" && "$python" "$here/server.py" bash -c 'NODE_EXTRA_CA_CERTS=$BASTIDE_CA node --test driver.test.mjs')
}

run_java() {
    rm -rf "$work/java/src" && mkdir -p "$work/java"
    cp -r "$here"/java/* "$work/java/"
    (cd "$work/java" && mvn --batch-mode --quiet -DskipTests package)
    (cd "$work/java" && "$python" "$here/server.py" bash -c '
        rm -f trust.p12
        keytool -importcert -noprompt -alias bastide -file "$BASTIDE_CA" -keystore trust.p12 -storetype PKCS12 -storepass changeit 2>/dev/null
        java -Djavax.net.ssl.trustStore=trust.p12 -Djavax.net.ssl.trustStorePassword=changeit \
            -cp "target/drivers-1.jar:target/dependency/*" DriverSuite')
}

run_go() {
    mkdir -p "$work/go"
    cp "$here"/go/* "$work/go/"
    (cd "$work/go" && go mod download)
    (cd "$work/go" && "$python" "$here/server.py" bash -c 'SSL_CERT_FILE=$BASTIDE_CA go test -count=1 ./...')
}

for language in "${languages[@]}"; do
    echo "-- $language"
    "run_$language"
done
