import FoundationEssentials
import Glibc
import Wire

/// Runs the measurements whose names were given, or all, and prints their figures.
private func run(_ words: [String]) async -> Int32 {
    var names: [String] = []
    var stage = ".build/stage"
    var jsonFile: String?
    var isQuick = false
    var rest = words[...]
    while let word = rest.popFirst() {
        switch word {
        case "--json":
            guard let file = rest.popFirst() else { return misuse("--json needs a file") }
            jsonFile = file
        case "--quick": isQuick = true
        case "--list":
            for measurement in Measurement.all { print("\(measurement.name): \(measurement.summary)") }
            return 0
        case "--stage":
            guard let folder = rest.popFirst() else { return misuse("--stage needs a folder") }
            stage = folder
        case _ where word.hasPrefix("-"): return misuse("\(word) is no option")
        default: names.append(word)
        }
    }
    let chosen = Measurement.all.filter { measurement in
        names.isEmpty ? !measurement.isOnRequest : names.contains { measurement.name.contains($0) }
    }
    guard !chosen.isEmpty else {
        return misuse("no measurement is called \(names.joined(separator: " or "))")
    }

    if !stage.hasPrefix("/") { stage = FileManager.default.currentDirectoryPath + "/" + stage }
    // A child that has gone must not take us with it.
    signal(SIGPIPE, SIG_IGN)
    var figures: [(measurement: String, figure: Figure)] = []
    for measurement in chosen {
        complain("\(measurement.name): \(measurement.summary)")
        do {
            let measured = try await measurement.run(Surroundings(stage: stage, isQuick: isQuick))
            figures += measured.map { (measurement.name, $0) }
        } catch {
            complain("\(measurement.name) failed: \(error)")
            return 1
        }
    }
    for line in Report.table(figures) { print(line) }
    print("load average over the last minute: \(Figure.text(Machine.load()))")
    if let jsonFile {
        do { try Report.write(figures, to: jsonFile) } catch {
            complain("\(jsonFile) could not be written: \(error)")
            return 1
        }
    }
    return figures.contains { $0.figure.isKept == false } ? 2 : 0
}

private func misuse(_ text: String) -> Int32 {
    complain("bullpen-bench: \(text)")
    return 64
}

/// One run of a measurement that needs a process of its own.
private func runArm(_ words: [String]) async -> Int32 {
    signal(SIGPIPE, SIG_IGN)
    do {
        print(try await LabArm.run(words).json.text)
        return 0
    } catch {
        complain("lab-arm: \(error)")
        return 1
    }
}

let words = Array(CommandLine.arguments.dropFirst())
exit(words.first == "lab-arm" ? await runArm(Array(words.dropFirst())) : await run(words))
