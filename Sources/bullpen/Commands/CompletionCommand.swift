extension Command {
    static let completion = Command(
        name: "completion", group: .host, summary: "Print a completion script for bash.",
        details: "Put this into ~/.bashrc: source <(bullpen completion)", usesServer: false
    ) { _ in
        Console.write(script(all))
    }

    private static func script(_ commands: [Command]) -> String {
        let firsts = Set(commands.map { String($0.name.prefix { $0 != " " }) } + ["help"]).sorted()
        var cases: [String] = []
        for first in firsts {
            let family = commands.filter { $0.name == first || $0.name.hasPrefix(first + " ") }
            let seconds = family.compactMap {
                $0.name.split(separator: " ").dropFirst().first.map { String($0) }
            }
            let options = Set(family.flatMap { $0.allOptions.map { "--\($0.name)" } }).sorted()
            cases.append("        \(first)) words=\"\((seconds + options).joined(separator: " "))\" ;;")
        }
        return """
            _bullpen() {
                local word=${COMP_WORDS[COMP_CWORD]} words
                if ((COMP_CWORD == 1)); then
                    words="\(firsts.joined(separator: " "))"
                else
                    case ${COMP_WORDS[1]} in
            \(cases.joined(separator: "\n"))
                    *) words="" ;;
                    esac
                fi
                # Words that are no verb or option are files.
                mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
                ((${#COMPREPLY[@]} > 0)) || mapfile -t COMPREPLY < <(compgen -f -- "$word")
            }
            complete -F _bullpen bullpen

            """
    }
}
