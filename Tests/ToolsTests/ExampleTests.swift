// The examples of what lies between a descriptor and a protocol, as somebody who tries them sees them: each runs by itself.

import CoroTesting
import Foundation
import Testing

@Suite(.ownThread) struct ExampleTests {
    private static func run(_ name: String, _ arguments: String...) throws -> String {
        let result = try Program.run(Program.products.appendingPathComponent(name).path, arguments)
        #expect(result.status == 0, "\(result.errors)")
        return result.text
    }

    @Test func `in the chat room one guest hears the other`() throws {
        let lines = try Self.run("ChatRoom").split(separator: "\n").dropFirst()
        #expect(Array(lines) == ["ann reads: * bob has come", "ann reads: bob: hello", "ann reads: * bob has left"])
    }

    @Test func `the port forwarder loses nothing`() throws {
        #expect(try Self.run("PortForwarder") == "sent 33554432 bytes, and 33554432 came back\n")
    }

    @Test func `the DNS query has its answer`() throws {
        #expect(try Self.run("DNSQuery") == "[\"127.0.0.1\"]\n")
        #expect(try Self.run("DNSQuery", "example.org", "example") == "example is not an IP address.\n")
    }

    @Test func `the pipeline sorts what another program says`() throws {
        #expect(try Self.run("Pipeline", "printf", "b\\nc\\na\\n") == "1: a\n2: b\n3: c\n3 lines\n")
    }

    #if TLS
    @Test func `the line server becomes secure when it is asked to`() throws {
        let lines = try Self.run("StartTLSEcho").split(separator: "\n").dropFirst()
        #expect(
            lines.filter { $0.contains(": sent ") } == [
                "clear: sent hello, got hello", "clear: sent STARTTLS, got go ahead",
                "secure: sent a secret, got a secret", "secure: sent goodbye, got goodbye",
            ])
        #expect(lines.last == "the server has closed too")
    }
    #endif

    @Test(arguments: ["ChatRoom", "PortForwarder", "DNSQuery", "Pipeline", "StartTLSEcho"])
    func `an example is read in a minute`(_ name: String) throws {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("Examples/\(name)")
        let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
        let lines = try files.map { try String(contentsOf: $0, encoding: .utf8).count { $0 == "\n" } }
        #expect((1...60).contains(lines.reduce(0, +)))
    }
}
