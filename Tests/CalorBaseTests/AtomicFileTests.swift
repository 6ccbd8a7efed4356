import CalorBase
import Foundation
import Testing

@Suite struct AtomicFileTests {
    let folder: URL

    init() throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("calor-atomic-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    private func names() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() }
    private func path(_ name: String) -> String { folder.appendingPathComponent(name).path }

    @Test func appearsOnlyWhenCommitted() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        var file = try AtomicFile(replacing: path("a.bin"))
        try file.write([1, 2])
        try file.write([3])
        #expect(try !names().contains("a.bin"))
        #expect(try names().count == 1)
        try file.commit()
        #expect(try names() == ["a.bin"])
        #expect(FileManager.default.contents(atPath: path("a.bin")) == Data([1, 2, 3]))
    }

    @Test func theRestOfAFileIsWrittenAsMemory() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let count = 1_000_003
        var file = try AtomicFile(replacing: path("a.bin"))
        try file.write([UInt8](repeating: 7, count: 64))
        let memory = try #require(try file.mapRest(count: count))
        #expect(UInt(bitPattern: memory.pointer) % 64 == 0)
        for i in 0..<count { memory.pointer.storeBytes(of: UInt8(truncatingIfNeeded: i), toByteOffset: i, as: UInt8.self) }
        // What was released is still there, whatever the range.
        memory.release(0..<count)
        memory.release(5000..<20_000)
        memory.release(-10..<Int.max / 2)
        #expect(memory.pointer.load(fromByteOffset: 6000, as: UInt8.self) == UInt8(truncatingIfNeeded: 6000))
        #expect((memory.pointer + count + 63).load(as: UInt8.self) == 0)
        try file.commit()
        let found = try #require(FileManager.default.contents(atPath: path("a.bin")))
        #expect(found == Data([UInt8](repeating: 7, count: 64) + (0..<count).map { UInt8(truncatingIfNeeded: $0) }))
    }

    @Test func mappedRoomOnAFullDiskIsAFault() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        do {
            var file = try AtomicFile(replacing: path("a.bin"))
            try file.write([1])
            #expect(throws: FileFault.self) { _ = try file.mapRest(count: 1 << 55) }
        }
        #expect(try names() == [])
    }

    @Test func nothingStaysWithoutCommit() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        try AtomicFile.write([9], to: path("a.bin"))
        do {
            var file = try AtomicFile(replacing: path("a.bin"))
            try file.write([1, 2, 3])
        }
        #expect(try names() == ["a.bin"])
        #expect(FileManager.default.contents(atPath: path("a.bin")) == Data([9]))
    }

    @Test func aSymbolicLinkIsReplacedItself() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        try AtomicFile.write([7], to: path("victim"))
        try FileManager.default.createSymbolicLink(atPath: path("link"), withDestinationPath: path("victim"))
        try AtomicFile.write([1], to: path("link"))
        #expect(FileManager.default.contents(atPath: path("victim")) == Data([7]))
        #expect(FileManager.default.contents(atPath: path("link")) == Data([1]))
    }

    @Test func aMissingFolderSaysSo() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let target = path("none/a.bin")
        #expect(throws: FileFault.cannotCreate(target, "No such file or directory")) { try AtomicFile.write([1], to: target) }
    }

    @Test func longNamesFit() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let name = String(repeating: "n", count: 255)
        try AtomicFile.write([1], to: path(name))
        #expect(try names() == [name])
    }
}
