import Foundation

/// A JSON file beside the tests, made by the script of the same folder.
func golden<T: Decodable>(_ name: String, as type: T.Type = T.self, test: String = #filePath) throws -> T {
    let url = URL(fileURLWithPath: test).deletingLastPathComponent().appendingPathComponent("Golden/\(name)")
    return try JSONDecoder().decode(T.self, from: Data(contentsOf: url))
}
