/// The word that was probably meant: the one with the fewest edits, if they are few for its length; ties go to the first in the list.
func nearestWord(to word: String, among words: [String]) -> String? {
    let scored = words.map { (word: $0, edits: editDistance(word.lowercased(), $0.lowercased())) }
    guard let best = scored.min(by: { $0.edits < $1.edits }) else { return nil }
    // A word of one letter is one edit away from every other.
    return best.edits < word.count && best.edits <= max(1, min(word.count, best.word.count + 1) / 2) ? best.word : nil
}

/// Insertions, deletions, replacements and swaps of neighbours that turn one word into the other.
///
/// *Source*: the restricted distance of Damerau and Levenshtein.
func editDistance(_ a: String, _ b: String) -> Int {
    let a = Array(a.unicodeScalars.prefix(64))
    let b = Array(b.unicodeScalars.prefix(64))
    var rows = [Array(0...b.count)]
    for i in a.indices {
        var row = [i + 1]
        for j in b.indices {
            var least = min(rows[i][j + 1] + 1, row[j] + 1, rows[i][j] + (a[i] == b[j] ? 0 : 1))
            if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { least = min(least, rows[i - 1][j - 1] + 1) }
            row.append(least)
        }
        rows.append(row)
    }
    return rows[a.count][b.count]
}
