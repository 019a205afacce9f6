import FoundationEssentials
import Host
import Wire

extension Command {
    static let configShow = Command(
        name: "config show", group: .host, summary: "Show every setting, its value and where it comes from.",
        options: LocalConfiguration.options, usesServer: false
    ) { invocation in
        let local = try LocalConfiguration(invocation)
        guard !invocation.wantsJSON else { return Console.say(local.loaded.json.text) }
        var table = Table([.left("SETTING"), .left("VALUE"), .left("FROM")])
        for setting in Setting.all {
            let origin = local.loaded.origins[setting.name] ?? "default"
            table.add([setting.name, setting.value(in: local.configuration).fileText, origin])
        }
        for line in table.lines { Console.say(line) }
    }

    static let configCheck = Command(
        name: "config check", group: .host, summary: "Check the configuration without starting.",
        details: "Ends with 4 when something is wrong.",
        options: LocalConfiguration.options, usesServer: false
    ) { invocation in
        let local = try LocalConfiguration(invocation)
        invocation.show(
            .members(["valid": .bool(true), "file": .string(local.file), "exists": .bool(local.fileExists)]),
            [
                local.fileExists
                    ? "\(local.file) is good." : "\(local.file) is not there yet; the defaults hold."
            ])
    }

    static let configDefaults = Command(
        name: "config defaults", group: .host, summary: "Print a configuration file with every default.",
        options: [.flag("environment", "Print the variables of the environment instead.")], usesServer: false
    ) { invocation in
        Console.write(
            invocation.has("environment") ? ConfigurationFile.environmentExample : ConfigurationFile.text())
    }
}
