// coro-fetch beside curl, with servers that others wrote: the same bytes, the same exit code.

import CoroTesting
import Foundation
import Testing

private let curl = Program.find("curl")
private let nginx = Program.find("nginx")
private let python = Program.find("python3")

@Suite(.ownThread, .serialized) struct `coro-fetch and curl agree` {
    private static let files = ["empty": 0, "one": 1, "page.txt": 5000, "large.bin": 3_000_000]

    /// A folder with files of all sizes to serve.
    private func site() throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        for (name, count) in Self.files {
            let noise = try #require(FileHandle(forReadingAtPath: "/dev/urandom")?.readData(ofLength: count))
            try noise.write(to: folder.file(name))
        }
        return folder
    }

    /// Serves a folder with Python while `body` runs.
    private func servingWithPython(_ site: TemporaryFolder, _ body: (String) throws -> Void) throws {
        // Unbuffered, since it says its port on what is no terminal here.
        let arguments = ["-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory", site.url.path]
        let server = try RunningProgram(try #require(python), arguments)
        defer {
            server.signal(SIGTERM)
            _ = try? server.wait()
        }
        // "Serving HTTP on 127.0.0.1 port 41234 (http://127.0.0.1:41234/) ..."
        let base = try server.wait { said in
            said.split(separator: "(").dropFirst().first?.split(separator: "/)").first.map(String.init)
        }
        try body(base)
    }

    /// Serves a folder with nginx while `body` runs; with TLS when its configuration says with which certificate.
    private func servingWithNginx(
        _ site: TemporaryFolder, secure: String = "", _ body: (String) throws -> Void
    ) throws {
        let socket = try ListeningSocket()
        let work = try TemporaryFolder()
        let configuration = work.file("nginx.conf")
        try nginxConfiguration(port: socket.port, site: site, work: work, secure: secure).write(
            to: configuration, atomically: true, encoding: .utf8)
        // It takes descriptors over from the nginx before it ("Upgrading Executable on the Fly"); not without its master
        // process, which dies of it in 1.22.
        let server = try RunningProgram(
            try #require(nginx),
            ["-c", configuration.path, "-p", work.url.path, "-e", work.file("error.log").path],
            environment: ["NGINX=3;"], inherited: socket.descriptor)
        // Only the server's copy is left: if it does not start, who connects is refused, and nobody waits for ever.
        close(socket.descriptor)
        defer {
            server.signal(SIGTERM)
            _ = try? server.wait()
        }
        let base = "\(secure.isEmpty ? "http" : "https")://127.0.0.1:\(socket.port)"
        try #require(Program.fetch("-sk", "\(base)/").text == "up", "nginx does not serve.")
        try body(base)
    }

    private func compare(_ arguments: [String], sourceLocation: SourceLocation = #_sourceLocation) throws {
        let theirs = try Program.run(try #require(curl), ["-sS"] + arguments)
        let ours = try Program.run(Program.coroFetch, ["-sS"] + arguments)
        #expect(ours.status == theirs.status, "\(arguments): \(ours.errors)", sourceLocation: sourceLocation)
        #expect(ours.output == theirs.output, "\(arguments)", sourceLocation: sourceLocation)
    }

    @Test(.enabled(if: curl != nil && python != nil, "curl or python3 is not installed"))
    func `about Python's http.server, which speaks HTTP/1.0`() throws {
        try servingWithPython(try site()) { base in
            for name in Self.files.keys { try compare(["\(base)/\(name)"]) }
            try compare(["\(base)/one", "\(base)/empty", "\(base)/page.txt"])
            try compare(["\(base)/"])
            try compare(["\(base)/missing"])
            try compare(["-f", "\(base)/missing"])
            try compare(["-w", "%{http_code} %{size_download} %{num_redirects}", "\(base)/page.txt"])
        }
    }

    @Test(.enabled(if: curl != nil && nginx != nil, "curl or nginx is not installed"))
    func `about nginx: lengths, chunks, redirects, 204, 304, HEAD`() throws {
        try servingWithNginx(try site()) { base in
            for name in Self.files.keys {
                try compare(["\(base)/\(name)"])
                try compare(["\(base)/chunked/\(name)"])
            }
            try compare(["-w", "%{http_code} %{size_download} %{size_header}", "\(base)/204"])
            try compare(["-w", "%{http_code} %{size_download}", "-H", "If-None-Match: \"tag\"", "\(base)/304"])
            try compare(["-w", "%{http_code} %{redirect_url}", "\(base)/old"])
            try compare(["-L", "-w", "%{http_code} %{num_redirects} %{url_effective}", "\(base)/old"])
            try compare(["-L", "--max-redirs", "2", "-o", "/dev/null", "\(base)/loop"])
            try compare(["-f", "\(base)/missing"])
            try compare(["-o", "/dev/null", "-w", "%{http_code}", "-d", "a=b", "\(base)/page.txt"])
            let head = ["-I", "\(base)/page.txt"]
            let withoutDate = { (result: ProgramResult) in
                result.text.split(separator: "\r\n").filter { !$0.hasPrefix("Date:") }
            }
            let theirs = try Program.run(try #require(curl), ["-s"] + head)
            #expect(try withoutDate(Program.run(Program.coroFetch, ["-s"] + head)) == withoutDate(theirs))
        }
    }

    #if TLS
    @Test(.enabled(if: curl != nil && nginx != nil, "curl or nginx is not installed"))
    func `about nginx over TLS: lengths, chunks, redirects, whom to trust`() throws {
        let files = try Certificates()
        try files.write(try files.issue(), "server.pem", "server.key")
        let secure =
            "ssl_certificate \(files.path("server.pem")); ssl_certificate_key \(files.path("server.key"));"
        try servingWithNginx(try site(), secure: secure) { base in
            let trust = ["--cacert", files.authorityPath]
            for name in Self.files.keys { try compare(trust + ["\(base)/\(name)", "\(base)/chunked/\(name)"]) }
            try compare(trust + ["-L", "-w", "%{http_code} %{scheme} %{ssl_verify_result}", "\(base)/old"])
            try compare(trust + ["-d", "a=b", "-w", "%{http_code}", "-o", "/dev/null", "\(base)/page.txt"])
            for version in ["1.2", "1.3"] { try compare(trust + ["--tls-max", version, "\(base)/large.bin"]) }
            for arguments in [[], ["--cacert", "/nonexistent"], ["--cert", "/nonexistent"]] {
                let status = try Program.run(Program.coroFetch, arguments + ["-s", "\(base)/one"]).status
                #expect(try Program.run(try #require(curl), arguments + ["-s", "\(base)/one"]).status == status)
                #expect(status != 0)
            }
        }
    }
    #endif

    private func nginxConfiguration(
        port: UInt16, site: TemporaryFolder, work: TemporaryFolder, secure: String = ""
    ) -> String {
        """
        daemon off; worker_processes 1; pid \(work.file("pid").path);
        events { worker_connections 64; }
        http {
            access_log off;
            client_body_temp_path \(work.file("body").path); proxy_temp_path \(work.file("proxy").path);
            fastcgi_temp_path \(work.file("fastcgi").path); uwsgi_temp_path \(work.file("uwsgi").path);
            scgi_temp_path \(work.file("scgi").path);
            server {
                listen 127.0.0.1:\(port)\(secure.isEmpty ? "" : " ssl"); \(secure)
                root \(site.url.path);
                location = / { return 200 "up"; }
                location = /204 { return 204; }
                location = /304 { return 304; }
                location = /old { return 302 /one; }
                location = /loop { return 302 /loop; }
                # Server side includes make the length unknown: the answer comes in chunks.
                location /chunked/ { alias \(site.url.path)/; ssi on; ssi_types *; }
            }
        }
        """
    }
}
