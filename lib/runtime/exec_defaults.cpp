#include "runtime/exec_defaults.h"

#include <fcntl.h>

#include <string_view>

#include "handoff/codec.h"
#include "os/file.h"

namespace lxcri::runtime {

namespace {

constexpr const char* kFile = "exec.plan";

// The names of all fields: a file of an older or newer lxcri has others. What has been added since
// then to a container that runs has to be looked up in its config.json.
class FieldNames {
  public:
    template <class T>
    void operator()(std::string_view name, T& value) {
        names_ += name;
        names_ += ' ';
        look_into(value);
    }
    const std::string& names() const { return names_; }

  private:
    template <class T>
    void look_into(T& value) {
        if constexpr (handoff::Record<T>) visit_fields(*this, value);
    }
    template <class T>
    void look_into(std::vector<T>& /*values*/) {}
    template <class T>
    void look_into(std::optional<T>& /*value*/) {
        T inner{};
        look_into(inner);
    }

    std::string names_;
};

template <class V>
void visit_fields(V& visit, ExecDefaults& defaults) {
    visit("process", defaults.process);
    visit("listenerPath", defaults.listener_path);
    visit("hasListenerMetadata", defaults.has_listener_metadata);
    visit("listenerMetadata", defaults.listener_metadata);
}

std::string head() {
    FieldNames visitor;
    ExecDefaults defaults;
    visit_fields(visitor, defaults);
    return visitor.names() + '\n';
}

}  // namespace

ExecDefaults make_exec_defaults(const translate::Plan& plan) {
    ExecDefaults defaults{plan.init.process, plan.host.listener_path,
                          plan.host.listener_metadata.has_value(),
                          plan.host.listener_metadata.value_or("")};
    defaults.process.args.clear();
    defaults.process.env.clear();
    return defaults;
}

void write_exec_defaults(int directory_fd, const ExecDefaults& defaults) {
    const os::UniqueFd file = os::open_at(directory_fd, kFile, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    handoff::Encoder encoder;
    ExecDefaults copy = defaults;
    visit_fields(encoder, copy);
    os::write_all(file.get(), head() + encoder.take(), kFile);
}

std::optional<ExecDefaults> find_exec_defaults(int directory_fd) {
    const auto text = os::find_regular_file_at(directory_fd, kFile);
    const std::string expected = head();
    if (!text || !text->starts_with(expected)) return {};
    handoff::Decoder decoder(std::string_view(*text).substr(expected.size()));
    ExecDefaults defaults;
    visit_fields(decoder, defaults);
    return defaults;
}

}  // namespace lxcri::runtime
