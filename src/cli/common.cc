#include "cli/common.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <filesystem>

#include "base/error.h"
#include "cli/progress_on.h"
#include "io/file_descriptor.h"
#include "io/json.h"
#include "io/refuse.h"

namespace expertoire::cli {
namespace {

CancelToken g_interrupt;

void on_interrupt(int /*signal*/) { g_interrupt.cancel(); }

}  // namespace

CancelToken& interrupt_token() {
  static const bool installed = [] {
    struct sigaction action = {};
    action.sa_handler = on_interrupt;
    action.sa_flags = static_cast<int>(SA_RESETHAND);  // no SA_RESTART: a read that waits must end
    ::sigaction(SIGINT, &action, nullptr);
    ::sigaction(SIGTERM, &action, nullptr);
    return true;
  }();
  static_cast<void>(installed);
  return g_interrupt;
}

void ModelOptions::add_to(CLI::App& app) {
  app.add_option(
      "--model", model,
      fmt::format("Model folder, org/name[@revision] of the local Hugging Face cache, or "
                  "a model that ships (default: {})",
                  default_model));
  app.add_option("--compute", compute, "f32 or bf16 (default: bf16 where the CPU has it)");
  app.add_option("--threads", threads, "Threads (default: all CPUs)")->check(CLI::Range(1, 1024));
  app.add_option("--edit", edit, "Run under a routing edit (docs/edits.md)");
}

CLI::Option* add_repeatable(CLI::App& app, const std::string& name,
                            std::vector<std::string>& values, const std::string& help) {
  return app.add_option(name, values, help + "; may be given again")->allow_extra_args(false);
}

std::string ModelOptions::folder() const { return model_folder(name()); }

Compute ModelOptions::compute_type() const {
  if (compute.empty()) return default_kernels().native_bf16 ? Compute::kBF16 : Compute::kF32;
  if (const auto parsed = parse_compute(compute)) return *parsed;
  throw Error(ErrorCode::kInvalidArgument,
              {"reading --compute", "\"" + compute + "\"", "f32 or bf16", ""});
}

LoadedModel::LoadedModel(const ModelOptions& options, bool lm_head) {
  ProgressBar bar("layers");
  model = Model::load(options.folder(), {.compute = options.compute_type(),
                                         .lm_head = lm_head,
                                         .threads = options.threads,
                                         .progress = progress_on(bar, "loading the model")});
  session = std::make_unique<Session>(model, SessionOptions{options.threads, nullptr});
  session->set_cancel(&interrupt_token());
  if (options.edit.empty()) return;
  session->set_edit(RoutingEdit::load(options.edit));
  edit = {{"edit", options.edit}, {"edit_hash", file_hash(options.edit)}};
}

std::map<std::string, std::string> LoadedModel::provenance(const ModelOptions& options) const {
  std::map<std::string, std::string> info = {
      {"model", options.name()},
      {"model_type", model->config().model_type},
      {"config_hash", content_hash(read_text_file(model->folder() + "/config.json"))},
      {"weights_hash", content_hash(model->weights_sample())},
      {"compute", std::string(compute_name(model->compute()))},
      {"simd", std::string(session->executor().kernels().name)}};
  info.insert(edit.begin(), edit.end());
  return info;
}

ChatOptions chat_options(const Tokenizer& tokenizer) {
  const auto text_of = [&](std::optional<int32_t> id) {
    return id ? tokenizer.id_to_token(*id) : std::string();
  };
  ChatOptions options;
  options.bos_token = text_of(tokenizer.bos_id());
  options.eos_token = text_of(tokenizer.eos_id());
  if (tokenizer.pad_id()) options.variables["pad_token"] = text_of(tokenizer.pad_id());
  return options;
}

const std::string& chat_template_of(const Tokenizer& tokenizer) {
  if (!tokenizer.chat_template().empty()) return tokenizer.chat_template();
  throw Error(ErrorCode::kInvalidArgument, {"preparing a chat", "a model without a chat template",
                                            "a model tuned for chat", ""});
}

std::string progress_text(const std::string& unit, const ProgressPoint& start,
                          const ProgressPoint& now, double seconds) {
  const double rate = static_cast<double>(now.done - start.done) / seconds;
  std::string line = fmt::format("{} {}, {:.1f}/s", now.done, unit, rate);
  const double begun = start.fraction.value_or(0);
  if (now.fraction && *now.fraction > begun) {
    const int left = static_cast<int>(seconds * (1 - *now.fraction) / (*now.fraction - begun));
    line += fmt::format(", {:.0f} %, {}:{:02} left", *now.fraction * 100, left / 60, left % 60);
  }
  return line;
}

ProgressBar::ProgressBar(std::string unit, ProgressPoint begun)
    : unit_(std::move(unit)),
      begun_(begun),
      terminal_(::isatty(STDERR_FILENO) != 0),
      start_(std::chrono::steady_clock::now()),
      last_(start_) {}

ProgressBar::~ProgressBar() {
  if (shown_) std::fputs("\r\x1b[K", stderr);
}

void ProgressBar::update(int64_t done, std::optional<double> fraction, std::string_view note) {
  using std::chrono::duration;
  const auto now = std::chrono::steady_clock::now();
  if (!terminal_ || now - last_ < std::chrono::milliseconds(100)) return;
  last_ = now;
  shown_ = true;
  const double seconds = duration<double>(now - start_).count();
  std::string line = "\r\x1b[K" + progress_text(unit_, begun_, {done, fraction}, seconds);
  if (!note.empty()) line += fmt::format(", {}", note);
  std::fputs(line.c_str(), stderr);
}

size_t choose(std::string_view option, std::string_view value,
              const std::vector<std::string_view>& names) {
  const auto found = std::find(names.begin(), names.end(), value);
  if (found != names.end()) return static_cast<size_t>(found - names.begin());
  throw Error(ErrorCode::kInvalidArgument,
              {fmt::format("reading {}", option), fmt::format("\"{}\"", value),
               fmt::format("one of {}", fmt::join(names, ", ")), ""});
}

void print_json(const nlohmann::json& value) {
  const std::string line =
      value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  write_all(STDOUT_FILENO, line, "standard output");
}

std::string file_hash(const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::exists(path, ignored) && !std::filesystem::is_regular_file(path, ignored)) {
    throw Error(ErrorCode::kInvalidArgument,
                {"reading " + path, "no regular file", "a file, which is read more than once", ""});
  }
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) system_error("reading " + path, errno);
  uint64_t hash = kFnvStart;
  std::vector<char> buffer(size_t{1} << 18);
  for (;;) {
    const ssize_t count = ::read(file.get(), buffer.data(), buffer.size());
    if (count < 0) system_error("reading " + path, errno);
    if (count == 0) return fmt::format("{:016x}", hash);
    hash = fnv1a({buffer.data(), static_cast<size_t>(count)}, hash);
  }
}

void check_ending(const std::string& out, const std::vector<std::string_view>& endings) {
  const auto ends = [&](std::string_view ending) { return out.ends_with(ending); };
  if (std::any_of(endings.begin(), endings.end(), ends)) return;
  throw Error(ErrorCode::kInvalidArgument,
              {"reading --out", "\"" + out + "\"",
               fmt::format("a name ending in {}", fmt::join(endings, " or ")), ""});
}

}  // namespace expertoire::cli
