// nginx as one process that keeps everything it writes in one folder, and logs nothing: as near to a server under test
// as it comes.

struct NginxConfiguration {
    let folder: String
    let port: UInt16
    /// With TLS, and the certificate in the folder.
    var isSecure = false

    /// What it leaves in the folder.
    var leaves: [String] { ["nginx.pid", "nginx-errors"] + temporary }
    var errors: String { "\(folder)/nginx-errors" }

    private var temporary: [String] { ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map { "\($0)_temp" } }

    /// `master_process off`: the worker is the process that was started, and as whoever has started it.
    var text: String {
        """
        daemon off;
        master_process off;
        worker_processes 1;
        pid \(folder)/nginx.pid;
        events { worker_connections 16384; }
        http {
            access_log off;
            sendfile on;
            default_type application/octet-stream;
            keepalive_timeout 600s;
            keepalive_requests 1000000000;
        \(temporary.map { "    \($0)_path \(folder)/\($0);" }.joined(separator: "\n"))
            server {
                listen 127.0.0.1:\(port)\(isSecure ? " ssl" : "");
        \(tls)
                location = /plaintext { default_type text/plain; return 200 "Hello, World!"; }
                location / { root \(folder); }
            }
        }

        """
    }

    private var tls: String {
        guard isSecure else { return "" }
        return """
                    ssl_certificate \(folder)/certificate.pem;
                    ssl_certificate_key \(folder)/key.pem;
                    ssl_protocols TLSv1.3;
            """
    }
}
