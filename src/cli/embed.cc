// expertoire embed
#include <fmt/format.h>

#include <deque>
#include <filesystem>

#include "base/error.h"
#include "cli/command.h"
#include "cli/embed_options.h"
#include "embed/pipeline.h"
#include "io/atomic_file.h"
#include "io/json.h"
#include "io/text_source.h"
#include "io/vector_writer.h"

namespace expertoire::cli {
namespace {

using nlohmann::json;

struct Options {
  EmbedCliOptions embed;
  std::string input = "-", field = "text", out = "-";
  bool resume = false;
  int64_t checkpoint_every = 10000;
};

// From parts to rows of the output: calibrates, combines, writes, and makes durable now and then.
class RowSink {
 public:
  RowSink(const Embedder& embedder, const CalibrationChoice& calibration, VectorWriter& writer,
          const Options& options)
      : embedder_(embedder), calibration_(calibration), writer_(writer), options_(options) {}

  /// A text is on its way; `mark` stands for it and all before it.
  void expect(std::string mark) { marks_.push_back(std::move(mark)); }
  /// For the journal: the mark of the last row that was written.
  const std::string& mark() const { return mark_; }

  void put(EmbedParts parts) {
    if (calibration_.mode != CalibrationChoice::Mode::kBatch) {
      write(std::move(parts));
    } else {
      batch_.push_back(std::move(parts));
      if (static_cast<int64_t>(batch_.size()) == options_.embed.calibration_batch) flush();
    }
  }

  // The z-scores of a batch need all of it: rows are durable only after whole batches.
  void flush() {
    if (batch_.empty()) return;
    standardize_batch(batch_);
    for (EmbedParts& parts : batch_) write(std::move(parts));
    batch_.clear();
  }

 private:
  void write(EmbedParts parts) {
    writer_.append(embedder_.combine(std::move(parts), calibration_.set));
    mark_ = std::move(marks_.front());
    marks_.pop_front();
    if (++since_checkpoint_ < options_.checkpoint_every) return;
    if (calibration_.mode == CalibrationChoice::Mode::kBatch &&
        writer_.rows() % options_.embed.calibration_batch != 0) {
      return;
    }
    writer_.checkpoint(mark_);
    since_checkpoint_ = 0;
  }

  const Embedder& embedder_;
  const CalibrationChoice& calibration_;
  VectorWriter& writer_;
  const Options& options_;
  std::vector<EmbedParts> batch_;
  std::deque<std::string> marks_;  // of texts whose rows are not written yet
  std::string mark_;
  int64_t since_checkpoint_ = 0;
};

json describe(const Options& options, const LoadedModel& loaded, const Embedder& embedder,
              const CalibrationChoice& calibration) {
  json about = loaded.provenance(options.embed.model);
  for (const auto& [key, value] : calibration_conditions(embedder, loaded)) {
    about[key] = value;
  }
  about["kind"] = options.embed.kind;
  about["prompt"] = options.embed.prompt;
  about["alpha"] = options.embed.alpha;
  about["truncate"] = options.embed.truncate;
  about["dim"] = embedder.dim();
  about["input"] = options.input;
  about["field"] = options.field;
  about["tokenizer_hash"] =
      content_hash(read_text_file(loaded.model->folder() + "/tokenizer.json"));
  switch (calibration.mode) {
    case CalibrationChoice::Mode::kNone: about["calibration"] = "none"; break;
    case CalibrationChoice::Mode::kBatch:
      about["calibration"] = fmt::format("batch of {}", options.embed.calibration_batch);
      break;
    case CalibrationChoice::Mode::kFitted:
      about["calibration"] = calibration.path;
      about["calibration_hash"] = file_hash(calibration.path);
      about["calibration_metadata"] = calibration.calibration.metadata;
      break;
  }
  return about;
}

// Texts in order, with a hash of all so far: how a resumed run knows its input again.
class HashedTexts {
 public:
  explicit HashedTexts(const Options& options) : source_(options.input, options.field) {}

  std::optional<std::string> next() {
    interrupt_token().check("embedding");
    auto text = source_.next();
    if (text) hash_ = fnv1a(*text + '\n', hash_);
    return text;
  }
  std::string mark() const { return fmt::format("{:016x}", hash_); }
  int64_t line() const { return source_.lines().line(); }
  /// After `done` texts.
  ProgressPoint progress(int64_t done) const {
    const double total = static_cast<double>(source_.lines().bytes_total());
    if (total == 0) return {done, std::nullopt};
    return {done, static_cast<double>(source_.lines().bytes_read()) / total};
  }

  /// Passes the texts of a run that is resumed.
  void skip(int64_t rows, const std::string& mark_of_run) {
    int64_t count = 0;
    while (count < rows && next()) ++count;
    if (rows == 0 || (count == rows && mark() == mark_of_run)) return;
    throw Error(ErrorCode::kInvalidArgument,
                {"resuming", fmt::format("another input in the first {} texts", rows),
                 "the input that the run began with", "run again without --resume to start over"});
  }

 private:
  TextSource source_;
  uint64_t hash_ = kFnvStart;
};

constexpr size_t kTextsAtOnce = 256;  // tokenized side by side

// A text between reading and running.
struct ReadText {
  std::string text, mark;
  int64_t line;
  std::optional<double> fraction;  // of the input that was read with it
  std::vector<int32_t> ids;
  std::optional<Error> error;  // of reading or tokenizing it, for its turn
};

std::vector<ReadText> read_block(HashedTexts& texts) {
  std::vector<ReadText> block;
  try {
    while (block.size() < kTextsAtOnce) {
      auto text = texts.next();
      if (!text) break;
      block.push_back(
          {std::move(*text), texts.mark(), texts.line(), texts.progress(0).fraction, {}, {}});
    }
  } catch (const Error& error) {
    block.push_back({{}, {}, 0, {}, {}, error});
  }
  return block;
}

void tokenize(Executor& executor, const Embedder& embedder, std::vector<ReadText>& block) {
  executor.pool().parallel_for(static_cast<int64_t>(block.size()), [&](int64_t i, int) {
    ReadText& text = block[static_cast<size_t>(i)];
    if (text.error) return;
    try {
      text.ids = embedder.tokenize(text.text);
    } catch (const Error& error) {
      Error::Parts parts = error.parts();
      parts.operation = fmt::format("line {}: {}", text.line, parts.operation);
      text.error.emplace(error.code(), std::move(parts));
    }
  });
}

void run_texts(const Options& options, Executor& executor, Embedder& embedder, RowSink& sink,
               HashedTexts& texts, int64_t done) {
  EmbedPipeline pipeline(embedder, options.embed.batch_tokens,
                         [&](EmbedParts parts) { sink.put(std::move(parts)); });
  ProgressBar bar("texts", texts.progress(done));
  for (std::vector<ReadText> block; !(block = read_block(texts)).empty();) {
    tokenize(executor, embedder, block);
    for (ReadText& text : block) {
      interrupt_token().check("embedding");
      if (text.error) throw Error(*text.error);
      sink.expect(std::move(text.mark));
      pipeline.add(std::move(text.ids));
      bar.update(++done, text.fraction);
    }
  }
  interrupt_token().check("embedding");
  pipeline.flush();
  sink.flush();
}

// Whole batches of z-scores only: a part of one would be standardised apart from the rest.
bool can_resume(const Options& options, const CalibrationChoice& calibration,
                const VectorWriter& writer) {
  return options.out != "-" && calibration.mode != CalibrationChoice::Mode::kBatch &&
         writer.rows() > 0;
}

[[noreturn]] void rethrow_resumable(const Error& error) {
  Error::Parts parts = error.parts();
  parts.advice = "run the same command with --resume to continue";
  throw Error(error.code(), std::move(parts));
}

// Gives the vectors and what is said of them their names. Both are safe on disk before the first
// rename, and whatever happens between the two, no vectors stand beside what is said of others.
void publish(const Options& options, json about, VectorWriter& writer) {
  if (options.out == "-") return writer.finish();
  const std::string path = options.out + ".meta.json";
  remove_abandoned(path);  // of a run that was killed here; the writer keeps others away
  AtomicFile meta(path);
  about["rows"] = writer.rows();
  meta.write(about.dump(1, ' ', false, json::error_handler_t::replace) + "\n");
  meta.settle();
  writer.finish([&] { std::filesystem::remove(path); });
  meta.commit();
}

void embed(const Options& options) {
  if (options.out != "-") check_writable(options.out + ".meta.json");
  const EmbedOptions parsed = options.embed.parse();
  LoadedModel loaded(options.embed.model, false);
  const Tokenizer tokenizer = loaded.tokenizer();
  Embedder embedder(*loaded.session, tokenizer, parsed);
  const auto calibration = CalibrationChoice::choose(options.embed, embedder, loaded);
  const json about = describe(options, loaded, embedder, *calibration);
  HashedTexts texts(options);
  const auto writer = VectorWriter::open(
      {options.out, embedder.dim(), about.dump(-1, ' ', false, json::error_handler_t::replace),
       options.resume});
  RowSink sink(embedder, *calibration, *writer, options);
  texts.skip(writer->rows(), writer->mark());
  try {
    run_texts(options, loaded.session->executor(), embedder, sink, texts, writer->rows());
  } catch (const Error& error) {
    if (!interrupt_token().cancelled() || !can_resume(options, *calibration, *writer)) throw;
    if (!sink.mark().empty()) writer->checkpoint(sink.mark());
    rethrow_resumable(error);
  }
  publish(options, about, *writer);
}

std::function<void()> setup(CLI::App& app) {
  auto options = std::make_shared<Options>();
  options->embed.add_kind(app);
  options->embed.add_calibration(app);
  options->embed.add_to(app);
  app.add_option("--input", options->input, "One text a line: .jsonl, .txt, or - for stdin")
      ->capture_default_str();
  app.add_option("--field", options->field, "Field of a .jsonl that holds the text")
      ->capture_default_str();
  app.add_option("--out", options->out, ".npy, .jsonl, .f32, or - for JSON Lines on stdout")
      ->capture_default_str();
  app.add_flag("--resume", options->resume, "Continue an interrupted run of the same command");
  app.add_option("--checkpoint-every", options->checkpoint_every,
                 "Rows between two points that --resume can continue from")
      ->check(CLI::Range(1, 1 << 30))
      ->capture_default_str();
  return [options] { embed(*options); };
}

}  // namespace

extern const Command kEmbedCommand = {"embed", "Texts to vectors: hidden, routing, concat or sum",
                                      setup};

}  // namespace expertoire::cli
