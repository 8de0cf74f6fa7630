import HttpWire
import Testing

struct HTTPURLTests {
    @Test func `RFC 3986 3: an absolute URL comes apart`() throws {
        let url = try HTTPURL("HTTP://us%40er:p%3Aw@Example.COM:8080/a/b;c?d=e&f=[1]#frag")
        #expect(url.scheme == .http)
        #expect(url.user == "us@er")
        #expect(url.password == "p:w")
        #expect(url.host == "example.com")
        #expect(url.port == 8080)
        #expect(url.path == "/a/b;c")
        #expect(url.query == "d=e&f=[1]")
        #expect(url.fragment == "frag")
        #expect(url.target == "/a/b;c?d=e&f=[1]")
        #expect(url.hostField == "example.com:8080")
        #expect(url.connectTarget == "example.com:8080")
        #expect(url.description == "http://example.com:8080/a/b;c?d=e&f=[1]#frag")
    }

    @Test func `RFC 9110 4.2: ports and paths have defaults`() throws {
        let url = try HTTPURL("https://a")
        #expect(url.port == 443 && url.path == "/" && url.query == nil && url.target == "/")
        #expect(url.hostField == "a" && url.connectTarget == "a:443")
        #expect(try HTTPURL("http://a:80?").target == "/?")
        #expect(try HTTPURL("http://a:80?q").hostField == "a")
        #expect(try HTTPURL("http://a:/").port == 80)
        #expect(try HTTPURL("https://a:80").hostField == "a:80")
        #expect(try HTTPURL("http://a@b").user == "a")
        #expect(try HTTPURL("http://a@b").password == nil)
        #expect(try HTTPURL("http://@b").user == "")
    }

    @Test func `RFC 3986 3.2.2: an IPv6 host loses its brackets and gets them back`() throws {
        let url = try HTTPURL("http://[2001:DB8::1]:81/")
        #expect(url.host == "2001:db8::1")
        #expect(url.hostField == "[2001:db8::1]:81")
        #expect(try HTTPURL("http://[::1]/").hostField == "[::1]")
    }

    @Test func `RFC 3987 3.1: what URLs may not hold but people type is encoded`() throws {
        let url = try HTTPURL("http://a/é<>{}|^`\"?ü=\"x\"&%C3%A9#ö")
        #expect(url.path == "/%C3%A9%3C%3E%7B%7D%7C%5E%60%22")
        #expect(url.query == "%C3%BC=%22x%22&%C3%A9")
        #expect(url.fragment == "%C3%B6")
    }

    @Test func `RFC 3986 5.2.4: dot segments go`() throws {
        #expect(try HTTPURL("http://a/b/../c/./d/..").path == "/c/")
        #expect(try HTTPURL("http://a/../../x").path == "/x")
        #expect(try HTTPURL("http://a/...").path == "/...")
        #expect(try HTTPURL("http://a//b/../").path == "//")
    }

    @Test(arguments: [
        ("", HTTPURL.Malformed.empty), ("a", .missingScheme), ("/a", .missingScheme), ("//a/", .missingScheme),
        ("?x", .missingScheme), ("1http://a", .missingScheme), ("a:80", .unsupportedScheme("a")),
        ("file:///etc/passwd", .unsupportedScheme("file")), ("javascript:alert(1)", .unsupportedScheme("javascript")),
        ("GOPHER://a", .unsupportedScheme("gopher")), ("ws://a", .unsupportedScheme("ws")),
        ("http:", .missingAuthority), ("http:a", .missingAuthority), ("http:/a", .missingAuthority),
        ("http://", .emptyHost), ("http:///a", .emptyHost), ("http://:80", .emptyHost), ("http://u@", .emptyHost),
        ("http://?q", .emptyHost), ("http://#f", .emptyHost), ("http://[::1", .invalidHost("[::1")),
        ("http://[::1]x", .invalidHost("[::1]x")), ("http://[]", .invalidHost("[]")),
        ("http://é/", .invalidHost("é")), ("http://a,b", .invalidHost("a,b")), ("http://a%41", .invalidHost("a%41")),
        ("http://a<b", .invalidHost("a<b")), ("http://::1", .emptyHost), ("http://a:b", .invalidPort("b")),
        ("http://a:0", .invalidPort("0")), ("http://a:65536", .invalidPort("65536")),
        ("http://a:-1", .invalidPort("-1")), ("http://a:80:81", .invalidPort("80:81")),
        ("http://u[@a", .invalidUserInfo), ("http://u%0d%0a@a", .invalidUserInfo),
        ("http://u:%00@a", .invalidUserInfo), ("http://é@a", .invalidUserInfo), ("http://u@v@a", .invalidUserInfo),
        ("http://u%FF@a", .invalidUserInfo), ("http://a/b c", .invalidByte(0x20, offset: 10)),
        (" http://a", .invalidByte(0x20, offset: 0)), ("http://a\r\nX: y", .invalidByte(0x0D, offset: 8)),
        ("http://a/\n", .invalidByte(0x0A, offset: 9)), ("http://a/\u{0}", .invalidByte(0, offset: 9)),
        ("http://a/?\u{1B}", .invalidByte(0x1B, offset: 10)), ("http://a/#\u{7F}", .invalidByte(0x7F, offset: 10)),
        ("http://a\\@b", .invalidByte(0x5C, offset: 8)), ("http:\\\\a", .invalidByte(0x5C, offset: 5)),
        ("http://a/\t", .invalidByte(9, offset: 9)), ("http://a/%", .invalidPercent(offset: 9)),
        ("http://a/%2", .invalidPercent(offset: 9)), ("http://a/?%zz", .invalidPercent(offset: 10)),
        ("http://a/%2%41", .invalidPercent(offset: 9)),
    ])
    func `RFC 3986 3: a malformed URL is refused with what and where`(text: String, fault: HTTPURL.Malformed) {
        #expect(throws: fault) { try HTTPURL(text) }
        #expect(fault.description.contains("(RFC ") || fault == .empty)
    }

    @Test(arguments: [
        ("g", "/b/c/g"), ("./g", "/b/c/g"), ("g/", "/b/c/g/"), ("/g", "/g"), ("?y", "/b/c/d;p?y"),
        ("g?y", "/b/c/g?y"), ("#s", "/b/c/d;p?q#s"), ("g#s", "/b/c/g#s"), ("g?y#s", "/b/c/g?y#s"), (";x", "/b/c/;x"),
        ("g;x", "/b/c/g;x"), ("g;x?y#s", "/b/c/g;x?y#s"), ("", "/b/c/d;p?q"), (".", "/b/c/"), ("./", "/b/c/"),
        ("..", "/b/"), ("../", "/b/"), ("../g", "/b/g"), ("../..", "/"), ("../../", "/"), ("../../g", "/g"),
        ("../../../g", "/g"), ("../../../../g", "/g"), ("/./g", "/g"), ("/../g", "/g"), ("g.", "/b/c/g."),
        (".g", "/b/c/.g"), ("g..", "/b/c/g.."), ("..g", "/b/c/..g"), ("./../g", "/b/g"), ("./g/.", "/b/c/g/"),
        ("g/./h", "/b/c/g/h"), ("g/../h", "/b/c/h"), ("g;x=1/./y", "/b/c/g;x=1/y"), ("g;x=1/../y", "/b/c/y"),
        ("g?y/./x", "/b/c/g?y/./x"), ("g?y/../x", "/b/c/g?y/../x"), ("g#s/../x", "/b/c/g#s/../x"),
    ])
    func `RFC 3986 5.4: the section's references resolve as it says`(reference: String, expected: String) throws {
        let base = try HTTPURL("http://a/b/c/d;p?q")
        #expect(try base.resolve(reference).description == "http://a" + expected)
    }

    @Test func `RFC 3986 5.2.2: references with an authority or a scheme replace it, user and password included`()
        throws
    {
        let base = try HTTPURL("https://u:p@a:8443/b#frag")
        #expect(try base.resolve("//g/h").description == "https://g/h#frag")
        #expect(try base.resolve("//g").user == nil)
        #expect(try base.resolve("http://g/x/../y").description == "http://g/y#frag")
        let same = try base.resolve("/c")
        #expect(same.user == "u" && same.password == "p" && same.port == 8443)
        #expect(same.hasSameOrigin(as: base))
        #expect(try !base.resolve("//a/").hasSameOrigin(as: base))
        #expect(try base.resolve("http://g/#own").fragment == "own")
        #expect(try base.resolve("./a:b/c").path == "/a:b/c")
    }

    @Test(arguments: [
        "javascript:x", "file:///a", "gopher://a", "http:x", "\\\\evil", "/\\evil", "/a b", "/a\r\nb", "//",
        "data:,x",
    ])
    func `RFC 3986 5: a Location that leads out of HTTP, or could mean two things, is refused`(reference: String) throws
    {
        let base = try HTTPURL("http://a/")
        #expect(throws: HTTPURL.Malformed.self) { try base.resolve(reference) }
    }
}
