// swift-tools-version: 6.0
// A package of its own, so that peers may be dependencies here and nowhere else: the root manifest stays free of them.

import PackageDescription

let package = Package(
    name: "coro-benchmarks",
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2")
    ],
    targets: [
        .executableTarget(
            name: "nio-peer",
            dependencies: [
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ]
        )
    ]
)
