// Why a connection could not be made: in which phase, and what each address answered.

/// Why a connection could not be made.
public enum ConnectError: Error, Equatable, Sendable, CustomStringConvertible {
    /// One address that was tried, and why it did not work.
    public struct Failure: Equatable, Sendable, CustomStringConvertible {
        /// The address that was tried.
        public let address: SocketAddress
        /// The system call that failed, and errno.
        public let error: IOError

        /// Makes the entry of one address.
        public init(_ address: SocketAddress, _ error: IOError) {
            self.address = address
            self.error = error
        }

        public var description: String { "\(address): \(IOError.message(error.code))" }
    }

    /// What was being done.
    public enum Phase: Equatable, Sendable, CustomStringConvertible {
        /// Looking up this name.
        case resolving(String)
        /// Waiting for these addresses to answer, or to be tried.
        case connecting([SocketAddress])

        public var description: String {
            switch self {
            case .resolving(let host): "resolving \(host)"
            case .connecting(let addresses):
                "connecting to \(addresses.map(\.description).joined(separator: ", "))"
            }
        }
    }

    /// The host's name has no address.
    case resolve(ResolveError)
    /// No address answered: each that was tried, in the order in which they failed. At least one.
    case connect([Failure])
    /// The deadline passed in this phase; `failures` are the addresses that had failed by then.
    case timeout(Phase, failures: [Failure])

    public var description: String {
        switch self {
        case .resolve(let error): error.description
        case .connect(let failures): "Could not connect to \(ConnectError.list(failures))"
        case .timeout(let phase, let failures):
            "Timed out while \(phase)." + (failures.isEmpty ? "" : " Before that: \(ConnectError.list(failures))")
        }
    }

    private static func list(_ failures: [Failure]) -> String {
        failures.map(\.description).joined(separator: "; ")
    }
}
