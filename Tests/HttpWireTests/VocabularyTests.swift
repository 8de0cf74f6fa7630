import HttpWire
import Testing

struct VocabularyTests {
    @Test func `RFC 9110 9: methods are safe and idempotent as registered`() {
        let all: [Method] = [.get, .head, .post, .put, .delete, .connect, .options, .trace, .patch]
        #expect(all.filter(\.isSafe) == [.get, .head, .options, .trace])
        #expect(all.filter(\.isIdempotent) == [.get, .head, .put, .delete, .options, .trace])
        for method in all { #expect(Method(method.name) == method) }
        #expect(Method("get") == .other("get"))
        #expect(Method("PROPFIND") == .other("PROPFIND"))
        #expect(Method("") == .other(""))
        #expect(!Method.other("X").isIdempotent)
    }

    @Test func `RFC 9110 15: statuses have class, phrase and bounds`() {
        #expect(
            Status(code: 99) == nil && Status(code: 1000) == nil && Status(code: -1) == nil
                && Status(rawValue: 0) == nil)
        #expect(Status(code: 404) == .notFound)
        #expect(Status.notFound.description == "404 Not Found")
        #expect(Status(code: 299)?.description == "299")
        #expect(Status(code: 299)?.category == .success)
        #expect(Status.continue.category == .informational && Status.found.category == .redirection)
        #expect(Status.gone.category == .clientError && Status(code: 999)?.category == .serverError)
        #expect(Status.noContent.forbidsBody && Status.notModified.forbidsBody && !Status.ok.forbidsBody)
        #expect(Status.ok < .created)
        for code in 100...999 { #expect(Status(code: code)?.code == UInt16(code)) }
    }

    @Test func `RFC 9110 15: every fault has a status, and a sentence that cites its section`() {
        for fault in WireError.allCases {
            #expect(fault.status >= .badRequest)
            #expect(fault == .bufferTooSmall || fault.description.contains("(RFC "), "\(fault)")
        }
        #expect(Set(WireError.allCases.map(\.description)).count == WireError.allCases.count)
    }
}
