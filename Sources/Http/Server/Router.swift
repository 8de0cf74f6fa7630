// Paths and methods to handlers: a tree of path segments, walked once per request over the path's own bytes.

public import HttpWire

/// Finds the handler of a request by its path and method.
///
///     var router = Router()
///     router.get("/hello/{name}") { request in .text("Hello, \(request.parameters["name"] ?? "")!\n") }
///     let server = HTTPServer(on: loop, router: router)
///
/// A pattern's segments are literal, `{name}` (one segment, percent-decoded) or, at its end, `{name...}` (all the rest).
/// Literal wins over `{name}`, and that over `{name...}`. HEAD is answered by the GET handler when it has none of its own.
/// An unknown path is 404; a known one with another method 405 with `Allow`; OPTIONS answers with `Allow` by itself.
public struct Router: Sendable {
    private var root = Node()

    /// A router without routes: every path is 404.
    public init() {}

    /// What stands at one place of the tree.
    private final class Node: @unchecked Sendable {
        // SAFETY (@unchecked Sendable): changed only while a router is built, by `Router.add`, which copies a shared tree.
        @exclusivity(unchecked) var literals: [(segment: [UInt8], node: Node)] = []
        @exclusivity(unchecked) var parameter: (name: String, node: Node)?
        @exclusivity(unchecked) var rest: (name: String, routes: Routes)?
        @exclusivity(unchecked) var routes = Routes()

        func copy() -> Node {
            let copy = Node()
            copy.literals = literals.map { ($0.segment, $0.node.copy()) }
            copy.parameter = parameter.map { ($0.name, $0.node.copy()) }
            copy.rest = rest
            copy.routes = routes
            return copy
        }
    }

    /// A handler in a struct of its own: in a tuple or an optional the compiler would wrap the closure in a thunk, an async
    /// frame more for every request.
    struct Route: Sendable {
        let method: Method?
        let handler: HTTPServer.Handler
    }

    /// The handlers of one path, by method.
    private struct Routes: Sendable {
        private var routes: [Route] = []
        private var any: Route?

        var isEmpty: Bool { routes.isEmpty && any == nil }

        subscript(method: Method) -> Route? {
            for route in routes where route.method == method { return route }
            return any
        }

        mutating func add(_ method: Method?, _ handler: @escaping HTTPServer.Handler) {
            let route = Route(method: method, handler: handler)
            guard let method else { return any = route }
            routes.removeAll { $0.method == method }
            routes.append(route)
        }

        /// The value of an `Allow` field (RFC 9110 §10.2.1).
        var allowed: String {
            var names = routes.compactMap(\.method?.name)
            if names.contains("GET"), !names.contains("HEAD") { names.append("HEAD") }
            if !names.contains("OPTIONS") { names.append("OPTIONS") }
            return names.sorted().joined(separator: ", ")
        }
    }

    // MARK: Building

    /// Adds a handler for a method and a path pattern, in the place of one that is there already; with no method given
    /// it answers every method that has no handler of its own.
    public mutating func add(_ method: Method?, _ pattern: String, _ handler: @escaping HTTPServer.Handler) {
        precondition(pattern.hasPrefix("/"), "A route's pattern begins with a slash; this one is \"\(pattern)\".")
        if !isKnownUniquelyReferenced(&root) { root = root.copy() }
        var node = root
        for segment in pattern.dropFirst().split(separator: "/", omittingEmptySubsequences: false) {
            if segment.hasPrefix("{"), segment.hasSuffix("...}") {
                let name = String(segment.dropFirst().dropLast(4))
                precondition(pattern.hasSuffix(segment), "{\(name)...} takes all the rest, so nothing can follow it.")
                var routes = node.rest?.routes ?? Routes()
                routes.add(method, handler)
                node.rest = (name, routes)
                return
            }
            node = child(of: node, segment)
        }
        node.routes.add(method, handler)
    }

    private func child(of node: Node, _ segment: Substring) -> Node {
        if segment.hasPrefix("{"), segment.hasSuffix("}") {
            let name = String(segment.dropFirst().dropLast())
            if let parameter = node.parameter {
                precondition(
                    parameter.name == name,
                    "Two routes call the same place {\(parameter.name)} and {\(name)}; give it one name.")
                return parameter.node
            }
            let child = Node()
            node.parameter = (name, child)
            return child
        }
        let bytes = Array(segment.utf8)
        if let found = node.literals.first(where: { $0.segment == bytes }) { return found.node }
        let child = Node()
        node.literals.append((bytes, child))
        return child
    }

    /// Adds a route for GET, and HEAD with it. See `add`.
    public mutating func get(_ pattern: String, _ handler: @escaping HTTPServer.Handler) { add(.get, pattern, handler) }
    /// Adds a route for POST. See `add`.
    public mutating func post(_ pattern: String, _ handler: @escaping HTTPServer.Handler) {
        add(.post, pattern, handler)
    }
    /// Adds a route for PUT. See `add`.
    public mutating func put(_ pattern: String, _ handler: @escaping HTTPServer.Handler) { add(.put, pattern, handler) }
    /// Adds a route for DELETE. See `add`.
    public mutating func delete(_ pattern: String, _ handler: @escaping HTTPServer.Handler) {
        add(.delete, pattern, handler)
    }

    // MARK: Finding

    /// The router as a handler, to wrap it in another. A server is better given the router itself.
    public var handler: HTTPServer.Handler {
        let router = self
        return { request in try await router.answer(request) }
    }

    /// Answers a request by its route.
    public func answer(_ request: HTTPServer.Request) async throws -> HTTPServer.Response {
        var request = request
        switch find(&request) {
        case .route(let route): return try await route.handler(request)
        case .answer(let answer): return answer
        }
    }

    /// What a request's path and method lead to.
    enum Finding {
        case route(Route)
        /// No route: the answer that says so.
        case answer(HTTPServer.Response)
    }

    /// Finds the route and gives the request its parameters. Synchronous, so that the server can await the handler itself.
    func find(_ request: inout HTTPServer.Request) -> Finding {
        let method = request.method
        var parameters = HTTPServer.Parameters()
        let routes: Routes?
        do throws(BadPath) {
            routes = try request.head.withPath { path throws(BadPath) -> Routes? in
                // `OPTIONS *` asks about the server as a whole, which has no route (RFC 9110 §9.3.7).
                guard let first = path.first, first == UInt8(ascii: "/") else { return nil }
                return try Router.find(root, UnsafeRawBufferPointer(rebasing: path[1...]), &parameters)
            }
        } catch {
            return .answer(Router.badPath)
        }
        guard let routes else {
            guard request.head.withPath({ PercentCoding.decode(bytes: $0) != nil }) else {
                return .answer(Router.badPath)
            }
            return .answer(method == .options ? HTTPServer.Response(status: .noContent) : .failure(.notFound))
        }
        if let route = routes[method] ?? (method == .head ? routes[.get] : nil) {
            if !parameters.isEmpty { request.parameters = parameters }
            return .route(route)
        }
        var response: HTTPServer.Response =
            method == .options ? HTTPServer.Response(status: .noContent) : .failure(.methodNotAllowed)
        // Method names are tokens, so their list is a field value.
        try? response.fields.set("Allow", routes.allowed)
        return .answer(response)
    }

    private static let badPath = HTTPServer.Response.text(
        "The path has a % that is not followed by two hexadecimal digits.\n", status: .badRequest)

    /// A path whose percent-encoding cannot be read.
    private struct BadPath: Error {}

    private static func find(
        _ node: Node, _ path: UnsafeRawBufferPointer, _ parameters: inout HTTPServer.Parameters
    ) throws(BadPath) -> Routes? {
        let slash = path.firstIndex(of: UInt8(ascii: "/"))
        let segment = UnsafeRawBufferPointer(rebasing: path[..<(slash ?? path.count)])
        if let child = try literal(node, segment), let found = try goOn(child, path, slash, &parameters) {
            return found
        }
        if let (name, child) = node.parameter, !segment.isEmpty {
            parameters.append(name, try decoded(segment))
            if let found = try goOn(child, path, slash, &parameters) { return found }
            parameters.removeLast()
        }
        guard let (name, routes) = node.rest else { return nil }
        parameters.append(name, try decoded(path))
        return routes
    }

    private static func goOn(
        _ child: Node, _ path: UnsafeRawBufferPointer, _ slash: Int?, _ parameters: inout HTTPServer.Parameters
    ) throws(BadPath) -> Routes? {
        guard let slash else { return child.routes.isEmpty ? nil : child.routes }
        return try find(child, UnsafeRawBufferPointer(rebasing: path[(slash + 1)...]), &parameters)
    }

    private static func literal(_ node: Node, _ segment: UnsafeRawBufferPointer) throws(BadPath) -> Node? {
        for (literal, child) in node.literals where literal.count == segment.count && literal.elementsEqual(segment) {
            return child
        }
        // %61 is the letter a (RFC 3986 §6.2.2.2); hardly any client writes it so.
        guard segment.contains(UInt8(ascii: "%")) else { return nil }
        let plain = Array(try decoded(segment).utf8)
        return node.literals.first { $0.segment == plain }?.node
    }

    private static func decoded(_ bytes: UnsafeRawBufferPointer) throws(BadPath) -> String {
        guard let decoded = PercentCoding.decode(bytes: bytes) else { throw BadPath() }
        return String(decoding: decoded, as: UTF8.self)
    }
}
