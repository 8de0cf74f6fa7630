import HttpWire
import Testing

struct FieldsTests {
    @Test func `RFC 9110 5.3: fields keep their order and their repeated names`() throws {
        var fields = Fields()
        try fields.append("A", "1")
        try fields.append("b", "2")
        try fields.append("a", " 3\t")
        #expect(fields.map { "\($0.name)=\($0.value)" } == ["A=1", "b=2", "a=3"])
        #expect(fields["a"] == "1")
        #expect(fields.all("A") == ["1", "3"])
        #expect(fields.values("A") == "1, 3")
        #expect(fields.values("C") == nil)
        #expect(fields.count == 3 && fields.contains("B"))
        #expect(fields.description == "A: 1\nb: 2\na: 3")
    }

    @Test func `RFC 9110 5.3: set replaces the first line and removes the others`() throws {
        var fields: Fields = ["A": "1", "B": "2", "a": "3", "A": "4"]
        try fields.set("a", "5")
        #expect(fields == ["a": "5", "B": "2"])
        try fields.set("C", "6")
        fields.remove("b")
        #expect(fields == ["a": "5", "C": "6"])
        fields.append(contentsOf: ["D": "7"])
        #expect(fields.count == 3)
    }

    @Test func `RFC 9110 5.1: a name that is no token is refused`() {
        for name in ["a b", "a:", "a\r\nb", "a\u{0}", "\u{E9}", "a\t", "(a)", "a,b"] {
            #expect(throws: WireError.invalidFieldName) { () throws in
                var fields = Fields()
                try fields.append(name, "x")
            }
        }
        #expect(throws: WireError.emptyFieldName) { () throws in
            var fields = Fields()
            try fields.set("", "x")
        }
    }

    @Test func `RFC 9110 5.5: a value with a control is refused, tabs and UTF-8 are not`() throws {
        for value in ["a\r\nSet-Cookie: x", "a\n", "\r", "a\u{0}", "a\u{1B}[m", "\u{7F}"] {
            #expect(throws: WireError.invalidFieldValue) { () throws in
                var fields = Fields()
                try fields.append("a", value)
            }
        }
        var fields = Fields()
        try fields.append("a", "é\tx")
        try fields.append("b", "")
        try fields.append("c", "  ")
        #expect(fields.all("a") == ["é\tx"] && fields["b"] == "" && fields["c"] == "")
    }

    @Test func `RFC 9110 5.5: a bad pair in a literal is remembered, not sent and not trapped on`() {
        let input = "x\r\nEvil: y"
        let fields: Fields = ["A": "1", "B": input, "C D": "2"]
        #expect(fields == fields)
        #expect(fields["A"] == "1" && fields.count == 1)
        #expect(fields.fault == .invalidFieldValue)
        var other = Fields()
        other.append(contentsOf: fields)
        #expect(other.fault == .invalidFieldValue)
    }
}
