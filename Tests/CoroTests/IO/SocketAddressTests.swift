import Coro
import Glibc
import Testing

@Suite struct SocketAddressTests {
    @Test func `case 66: only numeric addresses are addresses`() {
        let wrong = [
            " 127.0.0.1", "127.0.0.1 ", "", "\0", "127.0.0.1\0", String(repeating: "a", count: 100), "127.0.0.1.5",
            "1.2.3",
            "localhost", "4294967295", "127.0.0.256", "[127.0.0.1]", "::g", "[::1", "1::2::3", "4000:0:0:0:0:0:0:0:1",
        ]
        for text in wrong { #expect(SocketAddress(ip: text, port: 80) == nil, "\(text)") }
        for text in ["127.0.0.1", "::1", "[::1]", "::ffff:1.2.3.4", "2620:0:1cfe:face:b00c::3"] {
            #expect(SocketAddress(ip: text, port: 80) != nil, "\(text)")
        }
    }

    @Test func `an address prints as it would be written, and tells its parts`() throws {
        let v4 = try #require(SocketAddress(ip: "10.1.2.3", port: 8080))
        #expect(v4.description == "10.1.2.3:8080" && v4.host == "10.1.2.3" && v4.port == 8080)
        let v6 = try #require(SocketAddress(ip: "[2001:DB8::1]", port: 443))
        #expect(v6.description == "[2001:db8::1]:443" && v6.host == "2001:db8::1" && v6.family == AF_INET6)
        #expect(v6.with(port: 0x1234).port == 0x1234 && v6.with(port: 443) == v6)
    }

    @Test func `a unix address has a path or an abstract name, and room for 107 bytes`() throws {
        let file = try #require(SocketAddress(path: "/run/a.socket"))
        #expect(file.description == "unix:/run/a.socket" && file.path == "/run/a.socket" && file.abstractName == nil)
        #expect(file.port == 0 && file.host == "" && file.with(port: 7) == file)
        let abstract = try #require(SocketAddress(abstract: "coro"))
        #expect(abstract.description == "unix:@coro" && abstract.path == nil && abstract.abstractName == "coro")
        #expect(SocketAddress(path: "") == nil && SocketAddress(abstract: "") == nil)
        #expect(SocketAddress(path: "a\0b") == nil)
        let long = String(repeating: "a", count: 107)
        #expect(SocketAddress(path: long)?.path == long && SocketAddress(abstract: long)?.abstractName == long)
        #expect(SocketAddress(path: long + "a") == nil && SocketAddress(abstract: long + "a") == nil)
    }

    @Test func `the bytes of an address make it again, and others none`() throws {
        let addresses = [
            SocketAddress(ip: "10.1.2.3", port: 80), SocketAddress(ip: "::1", port: 80), SocketAddress(path: "/a"),
            SocketAddress(abstract: "a"),
        ]
        for case let address? in addresses { #expect(SocketAddress(bytes: address.bytes) == address) }
        #expect(SocketAddress(bytes: []) == nil)
        #expect(SocketAddress(bytes: Array(SocketAddress.loopback(port: 1).bytes.dropLast())) == nil)
        #expect(SocketAddress(bytes: [255, 255] + [UInt8](repeating: 0, count: 14)) == nil)
    }
}
