// Measures runtimes side by side:
//   (a) run of a static `true`                (b) create + start + wait + delete, and each part
//   (c) state of a running container          (d) peak resident memory of each command
//   (e) memory that a started container keeps (f) the lowest memory limit that still works
//   (g) run with many mounts                  (h) run and whole life while the CPUs are busy
//   (i) the bundle of a Docker container      (j) list of 100 containers
// Every iteration measures each runtime once, in turn, so that a slow moment of the machine hits
// all of them. README.md says how to read the table.
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <set>
#include <stdexcept>

#include "bench/runner.h"
#include "support/bundle.h"
#include "support/environment.h"
#include "support/files.h"
#include "support/process.h"

namespace {

using namespace lxcri::bench;
using lxcri::test::Bundle;
using lxcri::test::Json;
using lxcri::test::TempDir;
namespace fs = std::filesystem;

struct Options {
    int rounds = 5;
    int iterations = 50;
    std::string json_path;
    std::set<char> parts = {'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j'};
    Strings runtimes;  // the first one is what the others are compared with
    Strings beside;
};

// What was measured of one runtime: metric -> one list of samples per round.
using Samples = std::map<std::string, std::vector<std::vector<double>>>;

class Subject {
  public:
    // `runtime`: a path, or NAME=COMMAND, of more words than one.
    Subject(const std::string& runtime, const TempDir& directory)
        : program_(lxcri::test::split(runtime.substr(runtime.find('=') + 1), ' ')),
          name_(runtime.find('=') == std::string::npos ? fs::path(runtime).filename().string()
                                                       : runtime.substr(0, runtime.find('='))),
          id_("ltbench" + std::to_string(getpid()) + "-" + name_),
          root_("/dev/shm/root." + name_),
          pid_file_(directory / ("pid." + name_)),
          bundle_(directory / ("bundle." + name_), id_) {
        bundle_.write();
    }

    const std::string& name() const { return name_; }
    std::string version() const {
        Strings command = program_;
        command.emplace_back("--version");
        return output_of(command);
    }
    Bundle& bundle() { return bundle_; }
    Samples samples;

    Strings command(const Strings& arguments) const {
        Strings result = program_;
        for (const std::string& word : {std::string("--root"), root_.string()}) {
            result.push_back(word);
        }
        result.insert(result.end(), arguments.begin(), arguments.end());
        return result;
    }
    Strings run_command() const { return command({"run", "--bundle", bundle_.path(), id_}); }
    Strings create_command() const {
        return command({"create", "--bundle", bundle_.path(), "--pid-file", pid_file_, id_});
    }
    Strings on_container(const std::string& verb) const { return command({verb, id_}); }
    std::string numbered(int number) const { return id_ + "-" + std::to_string(number); }
    Strings destroy_command() const { return command({"delete", "--force", id_}); }

    pid_t init_pid() const {
        return static_cast<pid_t>(std::stol(lxcri::test::read_file(pid_file_)));
    }

    // Runs a command that has to work.
    Timed time(const Strings& arguments) const {
        Timed timed = run(arguments);
        if (!timed.succeeded()) {
            std::string line;
            for (const std::string& word : arguments) line += word + " ";
            throw std::runtime_error("failed: " + line);
        }
        return timed;
    }

    void record_timed(const std::string& metric, std::size_t round, const Timed& timed) {
        record(metric, round, timed.milliseconds);
        record(metric + " cpu", round, timed.usage.cpu_milliseconds);
        record(metric + " switches", round, timed.usage.switches);
        record(metric + " faults", round, timed.usage.faults);
    }

    void record(const std::string& metric, std::size_t round, double value) {
        auto& rounds = samples[metric];
        if (rounds.size() <= round) rounds.resize(round + 1);
        rounds[round].push_back(value);
    }

    // Everything goes, whatever state the last measurement left.
    void destroy() const {
        (void)run_within(destroy_command(), 15'000);
        lxcri::test::destroy_cgroups(id_);
        for (const pid_t pid : lxcri::test::living_children()) kill(pid, SIGKILL);
        (void)lxcri::test::wait_for_children(std::chrono::seconds(5));
    }

  private:
    Strings program_;
    std::string name_;
    std::string id_;
    fs::path root_;
    fs::path pid_file_;
    Bundle bundle_;
};

using Subjects = std::vector<std::unique_ptr<Subject>>;

// --- (a) (b) (c): time -----------------------------------------------------------------------

void measure_run(Subject& subject, const std::string& metric, std::size_t round) {
    const long before = processes_made();
    subject.record_timed(metric, round, subject.time(subject.run_command()));
    subject.record(metric + " processes", round, static_cast<double>(processes_made() - before));
}

void measure_life(Subject& subject, const std::string& metric, std::size_t round) {
    const long before = processes_made();
    const Timed create = subject.time(subject.create_command());
    const pid_t pid = subject.init_pid();
    const Timed start = subject.time(subject.on_container("start"));
    const Timed wait = reap(pid);
    if (!wait.succeeded()) throw std::runtime_error("the container failed");
    const Timed remove = subject.time(subject.on_container("delete"));
    subject.record(metric + " processes", round, static_cast<double>(processes_made() - before));
    Timed life = create;
    for (const Timed& part : {start, wait, remove}) life += part;
    subject.record_timed(metric, round, life);
    if (metric == "docker life") subject.record_timed("docker create", round, create);
    if (metric != "life") return;
    subject.record_timed("create", round, create);
    subject.record_timed("start", round, start);
    subject.record_timed("wait", round, wait);
    subject.record_timed("delete", round, remove);
}

// What Docker asks for: its mounts, capabilities, paths and filter, from a recorded config.json.
// Without what is of that machine: the files that it binds, and its hook.
void become_docker(Bundle& bundle) {
    const Json docker =
        Json::parse(lxcri::test::read_file(LXCRI_TEST_DATA "/specs/callers/docker-attach-01.json"));
    bundle.config["mounts"] = Json::array();
    for (const auto& mount : docker.at("mounts")) {
        if (mount.at("type") != "bind") bundle.add_mount(mount);
    }
    for (const char* name : {"capabilities", "oomScoreAdj"}) {
        bundle.config["process"][name] = docker.at("process").at(name);
    }
    for (const char* name : {"seccomp", "maskedPaths", "readonlyPaths"}) {
        bundle.linux()[name] = docker.at("linux").at(name);
    }
}

void measure_docker(Subjects& subjects, int iterations, std::size_t round) {
    for (auto& subject : subjects) {
        const auto usual = subject->bundle().config;
        become_docker(subject->bundle());
        subject->bundle().write();
        subject->bundle().config = usual;
    }
    for (int i = 0; i < iterations; ++i) {
        for (auto& subject : subjects) measure_run(*subject, "docker run", round);
        for (auto& subject : subjects) measure_life(*subject, "docker life", round);
    }
    for (auto& subject : subjects) subject->bundle().write();
}

void measure_state(Subject& subject, std::size_t round) {
    subject.record_timed("state", round, subject.time(subject.on_container("state")));
}

void measure_exec(Subject& subject, std::size_t round) {
    Strings line = subject.on_container("exec");
    for (const char* word : {"/probe", "true"}) line.emplace_back(word);
    subject.record_timed("exec", round, subject.time(line));
}

// A container that sleeps. It says through a FIFO that its program runs: `start` may return before
// the exec, and then the memory seen would be the runtime's.
void prepare_sleeper(Subject& subject) {
    const fs::path ready = subject.bundle().in_rootfs("tmp/ready");
    unlink(ready.c_str());
    if (mkfifo(ready.c_str(), 0600) < 0) throw std::runtime_error("mkfifo");
    subject.bundle().args({"write", "/tmp/ready", "x", "--", "sleep"}).write();
}

void wait_for_sleeper(Subject& subject) {
    (void)lxcri::test::read_file(subject.bundle().in_rootfs("tmp/ready"));
}

void start_sleeper(Subject& subject) {
    prepare_sleeper(subject);
    (void)subject.time(subject.create_command());
    (void)subject.time(subject.on_container("start"));
    wait_for_sleeper(subject);
}

void stop_sleeper(Subject& subject) {
    subject.destroy();
    subject.bundle().args({"true"}).write();
}

void measure_times(Subjects& subjects, const Options& options) {
    for (std::size_t round = 0; round < static_cast<std::size_t>(options.rounds); ++round) {
        std::fprintf(stderr, "round %zu of %d\n", round + 1, options.rounds);
        if (options.parts.contains('a')) {
            for (int i = 0; i < options.iterations; ++i) {
                for (auto& subject : subjects) measure_run(*subject, "run", round);
            }
        }
        if (options.parts.contains('b')) {
            for (int i = 0; i < options.iterations; ++i) {
                for (auto& subject : subjects) measure_life(*subject, "life", round);
            }
        }
        if (options.parts.contains('c')) {
            for (auto& subject : subjects) start_sleeper(*subject);
            for (int i = 0; i < options.iterations; ++i) {
                for (auto& subject : subjects) measure_state(*subject, round);
            }
            for (int i = 0; i < options.iterations; ++i) {
                for (auto& subject : subjects) measure_exec(*subject, round);
            }
            for (auto& subject : subjects) stop_sleeper(*subject);
        }
        if (options.parts.contains('h')) {
            const BusyLoops loops(static_cast<int>(4 * sysconf(_SC_NPROCESSORS_ONLN)));
            for (int i = 0; i < options.iterations; ++i) {
                for (auto& subject : subjects) measure_run(*subject, "busy run", round);
                for (auto& subject : subjects) measure_life(*subject, "busy life", round);
            }
        }
        if (options.parts.contains('i')) measure_docker(subjects, options.iterations, round);
        std::rotate(subjects.begin(), subjects.begin() + 1, subjects.end());
    }
}

// --- (j): many containers ----------------------------------------------------------------------

constexpr int kListed = 100;

void create_listed(Subject& subject) {
    const auto usual = subject.bundle().config;
    for (int i = 0; i < kListed; ++i) {
        subject.bundle().linux()["cgroupsPath"] = "/" + subject.numbered(i);
        subject.bundle().write();
        (void)subject.time(
            subject.command({"create", "--bundle", subject.bundle().path(), subject.numbered(i)}));
    }
    subject.bundle().config = usual;
    subject.bundle().write();
}

void delete_listed(Subject& subject) {
    for (int i = 0; i < kListed; ++i) {
        (void)run_within(subject.command({"delete", "--force", subject.numbered(i)}), 15'000);
        lxcri::test::destroy_cgroups(subject.numbered(i));
    }
    (void)lxcri::test::wait_for_children(std::chrono::seconds(5));
}

void measure_list(Subjects& subjects) {
    for (auto& subject : subjects) create_listed(*subject);
    for (int i = 0; i < 20; ++i) {
        for (auto& subject : subjects) {
            subject->record_timed("list", 0, subject->time(subject->command({"list"})));
        }
    }
    for (auto& subject : subjects) delete_listed(*subject);
}

// --- (d) (e) (f): memory ---------------------------------------------------------------------

// A small program starts the command: the kernel counts the memory of the starter too.
double peak_kib(const Strings& command) {
    Strings line = {lxcri::test::environment().probe, "peak"};
    line.insert(line.end(), command.begin(), command.end());
    const std::string text = output_of(line);
    if (!text.starts_with("peak=")) throw std::runtime_error("no peak: " + text);
    return std::stod(text.substr(5));
}

void measure_peaks(Subject& subject) {
    for (std::size_t i = 0; i < 5; ++i) {
        subject.record("peak of run", 0, peak_kib(subject.run_command()));
        prepare_sleeper(subject);
        subject.record("peak of create", 0, peak_kib(subject.create_command()));
        subject.record("peak of start", 0, peak_kib(subject.on_container("start")));
        wait_for_sleeper(subject);
        subject.record("peak of state", 0, peak_kib(subject.on_container("state")));
        Strings kill_command = subject.on_container("kill");
        kill_command.push_back("KILL");
        subject.record("peak of kill", 0, peak_kib(kill_command));
        (void)lxcri::test::wait_for_children(std::chrono::seconds(10));
        subject.record("peak of delete", 0, peak_kib(subject.on_container("delete")));
        stop_sleeper(subject);
    }
}

double pss_kib(pid_t pid) {
    const std::string text =
        lxcri::test::read_file("/proc/" + std::to_string(pid) + "/smaps_rollup");
    const std::string value = lxcri::test::line_after(text, "Pss:");
    return value.empty() ? 0 : std::stod(value);
}

// Everything alive that was not there before belongs to the container: all orphans are ours.
void measure_resident(Subject& subject) {
    for (std::size_t i = 0; i < 5; ++i) {
        start_sleeper(subject);
        const pid_t init = subject.init_pid();
        const double program = pss_kib(init);
        double beside = 0;
        double processes = 1;
        for (const pid_t pid : lxcri::test::living_children()) {
            if (pid == init) continue;
            beside += pss_kib(pid);
            processes += 1;
        }
        subject.record("resident", 0, program + beside);
        subject.record("beside", 0, beside);
        subject.record("processes", 0, processes);
        stop_sleeper(subject);
    }
}

bool runs_with_limit(Subject& subject, long bytes) {
    subject.bundle().linux()["resources"]["memory"]["limit"] = bytes;
    subject.bundle().write();
    const bool ran = run_within(subject.run_command(), 5'000).succeeded();
    subject.destroy();
    return ran;
}

// Binary search in pages; a limit counts as working when it works three times.
void measure_lowest_limit(Subject& subject) {
    long too_low = 0;
    long enough = 65536;  // pages: 256 MiB
    while (enough - too_low > 1) {
        const long middle = (enough + too_low) / 2;
        bool works = true;
        for (int i = 0; i < 3 && works; ++i) works = runs_with_limit(subject, middle * 4096);
        (works ? enough : too_low) = middle;
    }
    subject.record("lowest limit", 0, static_cast<double>(enough) * 4);
    subject.bundle().linux().erase("resources");
    subject.bundle().write();
}

// --- (g): many mounts --------------------------------------------------------------------------

void add_many_binds(Bundle& bundle) {
    for (int i = 0; i < 1000; ++i) {
        bundle.add_mount({{"destination", "/many/" + std::to_string(i)},
                          {"type", "bind"},
                          {"source", "/etc"},
                          {"options", {"bind", "ro"}}});
    }
}

void mask_many_folders(Bundle& bundle) {
    for (int i = 0; i < 512; ++i) {
        const std::string path = "/masked/" + std::to_string(i);
        fs::create_directories(bundle.in_rootfs(path));
        bundle.linux()["maskedPaths"].push_back(path);
    }
}

void measure_runs_of(Subjects& subjects, const char* metric, void (*change)(Bundle&)) {
    for (auto& subject : subjects) {
        const auto usual = subject->bundle().config;
        change(subject->bundle());
        subject->bundle().write();
        subject->bundle().config = usual;
    }
    for (int i = 0; i < 10; ++i) {
        for (auto& subject : subjects) {
            subject->record_timed(metric, 0, subject->time(subject->run_command()));
        }
    }
    for (auto& subject : subjects) subject->bundle().write();
}

// --- the table -------------------------------------------------------------------------------

std::vector<double> all_samples(const Subject& subject, const std::string& metric) {
    std::vector<double> result;
    const auto found = subject.samples.find(metric);
    if (found == subject.samples.end()) return result;
    for (const auto& round : found->second) result.insert(result.end(), round.begin(), round.end());
    return result;
}

struct Row {
    const char* metric;
    const char* label;
    const char* unit;
};

constexpr Row kRows[] = {
    {"run", "(a) run of true", "ms"},
    {"run cpu", "        CPU time", "ms"},
    {"run processes", "        processes made", ""},
    {"run switches", "        context switches", ""},
    {"run faults", "        page faults", ""},
    {"life", "(b) whole life", "ms"},
    {"life cpu", "        CPU time", "ms"},
    {"life processes", "        processes made", ""},
    {"life switches", "        context switches", ""},
    {"life faults", "        page faults", ""},
    {"create", "    create", "ms"},
    {"create cpu", "        CPU time", "ms"},
    {"start", "    start", "ms"},
    {"start cpu", "        CPU time", "ms"},
    {"wait", "    until it ended", "ms"},
    {"delete", "    delete", "ms"},
    {"delete cpu", "        CPU time", "ms"},
    {"state", "(c) state", "ms"},
    {"state cpu", "        CPU time", "ms"},
    {"exec", "    exec of true", "ms"},
    {"exec cpu", "        CPU time", "ms"},
    {"peak of run", "(d) peak of run", "KiB"},
    {"peak of create", "    peak of create", "KiB"},
    {"peak of start", "    peak of start", "KiB"},
    {"peak of state", "    peak of state", "KiB"},
    {"peak of kill", "    peak of kill", "KiB"},
    {"peak of delete", "    peak of delete", "KiB"},
    {"resident", "(e) resident (Pss)", "KiB"},
    {"beside", "    beside the program", "KiB"},
    {"processes", "    in processes", ""},
    {"lowest limit", "(f) lowest limit", "KiB"},
    {"binds", "(g) run, 1 000 binds", "ms"},
    {"masks", "    run, 512 masks", "ms"},
    {"busy run", "(h) run, CPUs busy", "ms"},
    {"busy run cpu", "        CPU time", "ms"},
    {"busy life", "    whole life, CPUs busy", "ms"},
    {"busy life cpu", "        CPU time", "ms"},
    {"docker run", "(i) run, Docker's bundle", "ms"},
    {"docker run cpu", "        CPU time", "ms"},
    {"docker create", "    create", "ms"},
    {"docker life", "    whole life", "ms"},
    {"docker life cpu", "        CPU time", "ms"},
    {"list", "(j) list of 100", "ms"},
    {"list cpu", "        CPU time", "ms"},
};

void print_table(const Subjects& subjects) {
    const Subject& reference = *subjects.front();
    std::printf("%-24s %-4s", "medians", "");
    for (const auto& subject : subjects) std::printf(" %12s", subject->name().c_str());
    for (std::size_t i = 1; i < subjects.size(); ++i) {
        std::printf("   %s/%s", subjects[i]->name().c_str(), reference.name().c_str());
    }
    std::printf("\n");
    for (const Row& row : kRows) {
        const double base = median(all_samples(reference, row.metric));
        if (std::isnan(base)) continue;
        std::printf("%-24s %-4s", row.label, row.unit);
        for (const auto& subject : subjects) {
            std::printf(" %12.2f", median(all_samples(*subject, row.metric)));
        }
        for (std::size_t i = 1; i < subjects.size(); ++i) {
            const int width =
                static_cast<int>(subjects[i]->name().size() + reference.name().size());
            std::printf(
                "   %*.2f", width + 1,
                base > 0 ? median(all_samples(*subjects[i], row.metric)) / base : std::nan(""));
        }
        std::printf("\n");
    }
}

Json to_json(const Subjects& subjects, const Options& options) {
    utsname names{};
    uname(&names);
    const char* view = std::getenv("LXCRI_TEST_VIEW");
    Json result = {{"kernel", names.release},
                   {"view", view ? view : "host"},
                   {"rounds", options.rounds},
                   {"iterations", options.iterations}};
    for (const auto& subject : subjects) {
        Json entry = {{"version", lxcri::test::lines_of(subject->version())}};
        for (const auto& [metric, rounds] : subject->samples) {
            const std::vector<double> samples = all_samples(*subject, metric);
            Json medians = Json::array();
            for (const auto& round : rounds) medians.push_back(median(round));
            entry[metric] = {{"median", median(samples)},
                             {"best", quantile(samples, 0)},
                             {"p90", quantile(samples, 0.9)},
                             {"round medians", medians}};
        }
        result["runtimes"][subject->name()] = entry;
    }
    return result;
}

Options parse(int argc, char** argv) {
    Options options;
    for (int i = 1; i < argc; ++i) {
        const std::string word = argv[i];
        const auto value = [&] {
            if (++i >= argc) throw std::runtime_error(word + " needs a value");
            return std::string(argv[i]);
        };
        if (word == "--rounds") {
            options.rounds = std::stoi(value());
        } else if (word == "--iterations") {
            options.iterations = std::stoi(value());
        } else if (word == "--quick") {
            options.rounds = 1;
            options.iterations = 5;
        } else if (word == "--json") {
            options.json_path = value();
        } else if (word == "--only") {
            const std::string letters = value();
            options.parts = {letters.begin(), letters.end()};
        } else if (word == "--runtime") {
            options.runtimes.push_back(value());
        } else if (word == "--beside") {  // the usual ones
            options.beside.push_back(value());
        } else {
            throw std::runtime_error(
                "usage: bench [--quick] [--rounds N] [--iterations N] [--only abcdefghij] "
                "[--json FILE] [--runtime [NAME=]COMMAND]... [--beside NAME=COMMAND]...");
        }
    }
    if (options.runtimes.empty()) {
        for (const char* name : {"crun", "runc"}) {
            const fs::path program = lxcri::test::find_program(name);
            if (!program.empty()) options.runtimes.push_back(program);
        }
        for (const std::string& other : options.beside) options.runtimes.push_back(other);
        options.runtimes.push_back(lxcri::test::environment().runtime);
    }
    return options;
}

void measure(const Options& options) {
    const TempDir directory;
    Subjects subjects;
    for (const std::string& program : options.runtimes) {
        subjects.push_back(std::make_unique<Subject>(program, directory));
    }
    const std::string reference = subjects.front()->name();
    try {
        for (auto& subject : subjects) (void)subject->time(subject->run_command());
        measure_times(subjects, options);
        if (options.parts.contains('g')) {
            measure_runs_of(subjects, "binds", add_many_binds);
            measure_runs_of(subjects, "masks", mask_many_folders);
        }
        if (options.parts.contains('j')) measure_list(subjects);
        for (auto& subject : subjects) {
            if (options.parts.contains('d')) measure_peaks(*subject);
            if (options.parts.contains('e')) measure_resident(*subject);
            if (options.parts.contains('f') && lxcri::test::has_controller("memory")) {
                measure_lowest_limit(*subject);
            }
        }
    } catch (...) {
        for (auto& subject : subjects) subject->destroy();
        throw;
    }
    while (subjects.front()->name() != reference) {
        std::rotate(subjects.begin(), subjects.begin() + 1, subjects.end());
    }
    print_table(subjects);
    if (!options.json_path.empty()) {
        lxcri::test::write_file(options.json_path, to_json(subjects, options).dump(2) + "\n");
    }
}

}  // namespace

int main(int argc, char** argv) {
    try {
        const Options options = parse(argc, argv);
        if (const auto reason = lxcri::test::make_view()) throw std::runtime_error(*reason);
        enter_own_pid_namespace();
        // The runtime roots are in memory, as /run is on a machine.
        if (mount("tmpfs", "/dev/shm", "tmpfs", 0, "mode=1777") < 0) {
            throw std::runtime_error("no tmpfs on /dev/shm");
        }
        lxcri::test::become_subreaper();
        measure(options);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "bench: %s\n", error.what());
        return 1;
    }
    return 0;
}
