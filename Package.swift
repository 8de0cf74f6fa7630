// swift-tools-version: 6.2
import PackageDescription

// Arrows point one way: Tools → Http → CoroTLS → Coro → CLoop. No package dependency, ever, in this manifest.

/// What every Swift target is compiled with. Warnings are errors for us, never for those who depend on us:
/// SwiftPM ignores `treatAllWarnings` in a dependency.
let strict: [SwiftSetting] = [
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .treatAllWarnings(as: .error),
]

/// Only where the trait is on: without it nothing of OpenSSL is looked for.
let openSSL = Target.Dependency.target(name: "COpenSSL", condition: .when(traits: ["TLS"]))

let package = Package(
    name: "coro",
    products: [
        .library(name: "Coro", targets: ["Coro"]),
        .library(name: "CoroTLS", targets: ["CoroTLS"]),
        .library(name: "Http", targets: ["Http", "HttpWire"]),
        .library(name: "CoroTesting", targets: ["CoroTesting"]),
        .executable(name: "coro-fetch", targets: ["coro-fetch"]),
        .executable(name: "coro-serve", targets: ["coro-serve"]),
        .executable(name: "coro-bench", targets: ["coro-bench"]),
    ],
    traits: [
        .trait(name: "TLS", description: "CoroTLS, over the system's OpenSSL 3, and https in Http and the tools."),
        .default(enabledTraits: ["TLS"]),
    ],
    targets: [
        // The Linux calls that Swift's Glibc module hides. Syscalls in, values out.
        .target(name: "CLoop"),
        // The runtime: event loop, futures, coroutines, byte streams.
        .target(name: "Coro", dependencies: ["CLoop"], swiftSettings: strict),
        // OpenSSL as it is; what its macros do, as functions.
        .systemLibrary(
            name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"]), .yum(["openssl-devel"])]),
        // Secure byte streams. Empty without the trait.
        .target(name: "CoroTLS", dependencies: ["Coro", openSSL], path: "Sources/TLS", swiftSettings: strict),
        // HTTP/1 without I/O: bytes in, events out. A target of its own, so that the compiler keeps it pure.
        .target(name: "HttpWire", path: "Sources/Http/Wire", swiftSettings: strict),
        .target(
            name: "Http", dependencies: ["Coro", "CoroTLS", "HttpWire"], path: "Sources/Http", exclude: ["Wire"],
            swiftSettings: strict),

        // Tools: thin mains over the libraries, and the little they share.
        .target(name: "Console", path: "Sources/Tools/Console", swiftSettings: strict),
        .executableTarget(
            name: "coro-fetch", dependencies: ["Console", "Coro", "CoroTLS", "Http"], path: "Sources/Tools/coro-fetch",
            swiftSettings: strict),
        .executableTarget(
            name: "coro-serve", dependencies: ["Console", "Coro", "CoroTLS", "Http"], path: "Sources/Tools/coro-serve",
            swiftSettings: strict),
        .executableTarget(
            name: "coro-bench",
            dependencies: ["AllocationCounter", "BenchFloor", "Console", "Coro", "CoroTLS", openSSL],
            path: "Sources/Tools/coro-bench", swiftSettings: strict),
        // The benchmark tool's malloc: glibc's, counted.
        .target(name: "AllocationCounter", path: "Sources/Tools/AllocationCounter"),
        // What the tool holds streams against: a server in bare system calls, and cores to run on.
        .target(name: "BenchFloor", path: "Sources/Tools/BenchFloor"),

        // What users test their own loops with.
        .target(name: "CoroTesting", dependencies: ["Coro"], path: "Tests/CoroTesting", swiftSettings: strict),

        // Races, repeated thousands of times: make soak.
        .executableTarget(
            name: "Soak", dependencies: ["AllocationCounter", "Console", "Coro", "CoroTesting"], path: "Tests/Soak",
            swiftSettings: strict),

        // What Tests/Checks/blocking.sh must find.
        .executableTarget(
            name: "BlockingHandler", dependencies: ["Console", "Coro", "Http"], path: "Tests/Checks/BlockingHandler",
            swiftSettings: strict),

        // Tests mirror Sources.
        .testTarget(name: "CLoopTests", dependencies: ["CLoop"], swiftSettings: strict),
        .testTarget(name: "CoroTests", dependencies: ["Coro", "CoroTesting"], swiftSettings: strict),
        .testTarget(
            name: "CoroTLSTests", dependencies: ["Coro", "CoroTLS", "CoroTesting"], swiftSettings: strict),
        .testTarget(name: "HttpWireTests", dependencies: ["HttpWire"], swiftSettings: strict),
        .testTarget(
            name: "HttpTests", dependencies: ["Coro", "CoroTLS", "Http", "CoroTesting"], swiftSettings: strict),
        .testTarget(
            name: "ToolsTests",
            dependencies: [
                "Coro", "CoroTLS", "Http", "CoroTesting", "coro-fetch", "coro-serve", "coro-bench", "Soak",
                "BlockingHandler",
            ],
            swiftSettings: strict),
    ] + examples,
    swiftLanguageModes: [.v6],
    cLanguageStandard: .c11
)

/// Each example is at most sixty lines a file and is compiled with everything else.
var examples: [Target] {
    let names = [
        "SeedStory", "EchoServer", "ParallelFetch", "MinuteLoop", "GeneratorTour", "ChatRoom", "PortForwarder",
        "DNSQuery", "Pipeline", "StartTLSEcho",
    ]
    return names.map { name in
        .executableTarget(
            name: name, dependencies: ["Coro", "CoroTLS", "Http"], path: "Examples/\(name)", swiftSettings: strict)
    }
}
