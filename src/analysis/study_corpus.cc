#include "analysis/study_corpus.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

#include "base/error.h"
#include "eval/random_state.h"

namespace expertoire {
namespace {

// Beginnings of texts. An index may have read less of a document than is read here, or more, so two
// of them are the same when the shorter one begins the longer one; short texts must be equal.
class Beginnings {
 public:
  explicit Beginnings(int64_t tokens) : tokens_(static_cast<size_t>(tokens)) {}

  void add(const ExpertIndex& index) {
    Statement rows = index.database().prepare("SELECT ids FROM documents");
    while (rows.step()) {
      std::vector<int32_t> ids = rows.array<int32_t>(0);
      ids.resize(std::min(ids.size(), tokens_));
      known_.emplace(key(ids), std::move(ids));
    }
  }

  bool contains(const std::vector<int32_t>& ids) const {
    const auto [begin, end] = known_.equal_range(key(ids));
    return std::any_of(begin, end, [&](const auto& entry) {
      const size_t common = std::min(ids.size(), entry.second.size());
      return std::equal(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(common),
                        entry.second.begin());
    });
  }

 private:
  static std::vector<int32_t> key(const std::vector<int32_t>& ids) {
    constexpr size_t kKey = 32;
    return {ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(std::min(kKey, ids.size()))};
  }

  size_t tokens_;
  std::multimap<std::vector<int32_t>, std::vector<int32_t>> known_;
};

int64_t scored_bytes(const Tokenizer& tokenizer, const std::vector<int32_t>& ids) {
  StreamDecoder decoder(tokenizer);
  decoder.push(ids[0]);
  int64_t bytes = 0;
  for (size_t i = 1; i < ids.size(); ++i)
    bytes += static_cast<int64_t>(decoder.push(ids[i]).size());
  return bytes;
}

// A text as a document of a study, unless it is too short or an index read it, which is counted.
class Reader {
 public:
  Reader(const Tokenizer& tokenizer, const std::vector<const ExpertIndex*>& selected_on,
         int64_t max_tokens)
      : tokenizer_(tokenizer), max_tokens_(static_cast<size_t>(max_tokens)), known_(max_tokens) {
    for (const ExpertIndex* index : selected_on) known_.add(*index);
  }

  std::optional<StudyDocument> read(LabelledText text, int domain, int64_t& in_index) const {
    StudyDocument document{domain, std::move(text.name), tokenizer_.encode(text.text), 0};
    document.ids.resize(std::min(document.ids.size(), max_tokens_));
    if (document.ids.size() < 2) return std::nullopt;
    if (known_.contains(document.ids)) {
      ++in_index;
      return std::nullopt;
    }
    document.scored_bytes = scored_bytes(tokenizer_, document.ids);
    if (document.scored_bytes == 0) return std::nullopt;
    return document;
  }

 private:
  const Tokenizer& tokenizer_;
  size_t max_tokens_;
  Beginnings known_;
};

// At most so many documents of a domain, each as likely as any other (reservoir sampling), and
// where each came in the corpus.
class Sample {
 public:
  Sample(int64_t most, uint32_t seed) : most_(static_cast<size_t>(most)), random_(seed) {}

  void offer(size_t place, StudyDocument document) {
    if (kept_.size() < most_) {
      kept_.emplace_back(place, std::move(document));
    } else if (const size_t at = random_.interval(seen_); at < most_) {
      kept_[at] = {place, std::move(document)};
    }
    ++seen_;
  }

  std::vector<StudyDocument> take() {
    std::ranges::sort(kept_, {}, [](const auto& entry) { return entry.first; });
    std::vector<StudyDocument> documents;
    for (auto& [place, document] : kept_) documents.push_back(std::move(document));
    return documents;
  }

 private:
  size_t most_;
  RandomState random_;
  uint32_t seen_ = 0;
  std::vector<std::pair<size_t, StudyDocument>> kept_;
};

void check(const StudyCorpusOptions& options) {
  if (options.max_tokens >= 2 && options.documents >= 1) return;
  throw Error(ErrorCode::kInvalidArgument,
              {"measuring masks",
               fmt::format("{} documents of {} tokens", options.documents, options.max_tokens),
               "one or more, of two or more", ""});
}

}  // namespace

StudyCorpus read_study_corpus(Corpus& corpus, const DomainGroups& groups,
                              const IndexedDomains& domains, const Tokenizer& tokenizer,
                              const std::vector<const ExpertIndex*>& selected_on,
                              const StudyCorpusOptions& options, const ProgressSink& progress) {
  check(options);
  const Reader reader(tokenizer, selected_on, options.max_tokens);
  std::vector<Sample> samples;
  for (size_t d = 0; d < domains.names.size(); ++d) {
    samples.emplace_back(options.documents, options.seed + static_cast<uint32_t>(d));
  }
  StudyCorpus study;
  constexpr int64_t kWhole = 1000;  // progress in thousandths of the corpus
  for (size_t place = 0; auto text = corpus.next(); ++place) {
    if (progress) progress(static_cast<int64_t>(corpus.fraction() * kWhole), kWhole);
    const int group = groups.domain_of(text->label);
    const int domain = group < 0 ? -1 : domains.find(groups.names()[static_cast<size_t>(group)]);
    if (domain < 0) continue;
    if (auto document = reader.read(std::move(*text), domain, study.in_index)) {
      samples[static_cast<size_t>(domain)].offer(place, std::move(*document));
    }
  }
  for (Sample& sample : samples) {
    for (StudyDocument& document : sample.take()) study.documents.push_back(std::move(document));
  }
  if (study.documents.empty()) {
    throw Error(
        ErrorCode::kInvalidArgument,
        {"measuring masks",
         fmt::format("no document of the index's domains ({} are in the index)", study.in_index),
         "texts that it did not read", "choose the held-out part: --hold-out, --part"});
  }
  return study;
}

void add_study_texts(Corpus& corpus, int number, const Tokenizer& tokenizer,
                     const std::vector<const ExpertIndex*>& selected_on,
                     const StudyCorpusOptions& options, StudyCorpus& study) {
  check(options);
  const Reader reader(tokenizer, selected_on, options.max_tokens);
  Sample sample(options.documents, options.seed + static_cast<uint32_t>(number));
  for (size_t place = 0; auto text = corpus.next(); ++place) {
    if (auto document = reader.read(std::move(*text), number, study.in_index)) {
      sample.offer(place, std::move(*document));
    }
  }
  for (StudyDocument& document : sample.take()) study.documents.push_back(std::move(document));
}

}  // namespace expertoire
