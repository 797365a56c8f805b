#pragma once
// The arguments of one command.

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "command.h"
#include "options.h"

namespace lxcri::cmd {

// The help text was asked for, and has been printed.
struct HelpShown {};

// CLI11, for one command. It stays out of this header: each source file that includes its own makes
// objects that every command would set up when it starts.
class Parser {
  public:
    // `name`: "lxcri create".
    Parser(std::string description, std::string name);
    Parser(const Parser&) = delete;
    Parser& operator=(const Parser&) = delete;
    ~Parser();

    // Its rows go into `values`, which must live until parse().
    template <class Values, std::size_t N>
    void add(const std::array<Option<Values>, N>& table, Values& values) {
        for (const Option<Values>& row : table) {
            add(row.names, row.value, row.help, row.need, target_in(values, row.destination));
        }
    }
    // One row.
    void add(std::string_view names, std::string_view value, std::string_view help, Need need,
             Target target);
    // From the first word that is not an option on, the arguments are left as they are:
    // remaining(). `words`: how the usage line names them.
    void leave_words(std::string words);

    // Throws Error for what does not fit, HelpShown.
    void parse(Arguments arguments);
    Arguments remaining() const;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

struct OptionDescription {
    std::string flag;    // "--bundle"; "" for a word that stands for itself, as ID
    std::string letter;  // "-b" or ""
    bool has_value = false;
    std::string value;  // what the help text calls it
    std::string help;
    bool is_id = false;  // the name of a container
};

// What a command accepts, as it tells parse(); it does nothing else.
std::vector<OptionDescription> describe(const Command& command);

}  // namespace lxcri::cmd
