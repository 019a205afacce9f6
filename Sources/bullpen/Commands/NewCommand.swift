import FoundationEssentials
import Host
import Wire

extension Command {
    static let new = Command(
        name: "new", group: .strategies, summary: "Copy a template to a new folder, to begin a strategy.",
        details: "Without a template it lists them.",
        operands: [
            Operand(name: "template", explanation: "The template's name.", count: .optional),
            Operand(name: "folder", explanation: "The folder to make.", count: .optional),
        ],
        options: [.value("share", "folder", "Where share/bullpen lies.")], usesServer: false
    ) { invocation in
        let templates: String
        do {
            templates = try InstalledLayout.ofThisProgram(share: invocation.value("share")).templates
        } catch {
            throw CommandFailure(.error, "\(error)")
        }
        let names = try templateNames(templates)
        guard let name = invocation.optionalOperand("template") else {
            return invocation.show(.members(["items": .array(names.map { .string($0) })]), names)
        }
        guard names.contains(name) else {
            let hint = NearestName.of(name, among: names).map { "did you mean \($0)?" }
            throw CommandFailure(
                .notFound,
                "there is no template \"\(name)\"; \(hint ?? "there are: " + names.joined(separator: ", "))")
        }
        guard let folder = invocation.optionalOperand("folder") else {
            throw CommandFailure.usage("new: <folder> is missing; see bullpen new --help")
        }
        guard !FileManager.default.fileExists(atPath: folder) else {
            throw CommandFailure(.error, "\(folder) is there already")
        }
        do {
            try FileManager.default.copyItem(atPath: templates + "/" + name, toPath: folder)
        } catch {
            throw CommandFailure(.error, "\(folder) cannot be made")
        }
        invocation.show(
            .members(["template": .string(name), "folder": .string(folder)]),
            ["\(folder) is ready. Read its README.md, then: bullpen upload \(folder)"])
    }

    private static func templateNames(_ folder: String) throws(CommandFailure) -> [String] {
        do {
            return try FileManager.default.contentsOfDirectory(atPath: folder).filter {
                FileManager.default.fileExists(atPath: "\(folder)/\($0)/strategy.json")
            }.sorted()
        } catch {
            throw CommandFailure(.error, "the templates in \(folder) cannot be read")
        }
    }
}
