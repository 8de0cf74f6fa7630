#!/bin/sh
# The arrows of the house, held against the imports: Tools → Http → CoroTLS → Coro → CLoop, never up; C is imported by the
# one module that is over it (CLoop by Coro, COpenSSL by CoroTLS, for nobody to see); no Foundation and no Dispatch below
# Tools; HttpWire imports nothing; inside Coro no floor names the one above it.
set -u
failed=0
refuse() {
    if [ -n "$2" ]; then
        printf 'layers: %s\n%s\n' "$1" "$2" >&2
        failed=1
    fi
}
imports='^ *(@[_a-zA-Z]+ +)*((public|package|internal|private|fileprivate) +)?import +'
found() { grep -rnE --include='*.swift' "$@" 2>/dev/null; }

refuse "Foundation or Dispatch below Tools:" "$(found "${imports}(Foundation|FoundationEssentials|Dispatch)" Sources/Coro Sources/TLS Sources/Http)"
refuse "HttpWire must import nothing:" "$(found "$imports" Sources/Http/Wire)"
refuse "Only Coro imports CLoop:" "$(found "${imports}CLoop" Sources/TLS Sources/Http Sources/Tools Examples)"
# The load that TLS servers are measured with owes CoroTLS nothing, which is one of those measured.
refuse "Only CoroTLS imports COpenSSL:" "$(found "${imports}COpenSSL" Sources/Coro Sources/Http Sources/Tools Examples Tests |
    grep -v '^Sources/Tools/coro-bench/Net/SecureClient.swift:')"
refuse "CoroTLS shows OpenSSL to others:" "$(found '^ *(@[_a-zA-Z]+ +)*(public|package) +import +COpenSSL' Sources/TLS)"
refuse "Coro imports something above it:" "$(found "${imports}(CoroTLS|Http|HttpWire)" Sources/Coro)"
refuse "CoroTLS imports something above it:" "$(found "${imports}(Http|HttpWire)" Sources/TLS)"
refuse "Server names Client:" "$(found '\bHTTPClient\b' Sources/Http/Server)"
refuse "Client names Server:" "$(found '\bHTTPServer\b' Sources/Http/Client)"
refuse "Loop names what stands above it:" "$(found '^[^/]*\b(Future|Promise|Generator|Runner|ByteStream|Yieldable)\b[<(.]' Sources/Coro/Loop)"
refuse "Future names what stands above it:" "$(found '^[^/]*\b(Generator|Runner|ByteStream|Yieldable)\b[<(.]' Sources/Coro/Future)"
refuse "Coroutine names what stands above it:" "$(found '^[^/]*\b(ByteStream|Listener|Connector|Resolver)\b[<(.]' Sources/Coro/Coroutine)"
refuse "Sync names what stands beside or above it:" "$(found '^[^/]*\b(Future|Promise|Generator|Runner|ByteStream|Listener|Scope)\b[<(.]' Sources/Coro/Sync)"
refuse "A package dependency in the root manifest:" "$(grep -nE '\.package\(' Package.swift)"
exit $failed
