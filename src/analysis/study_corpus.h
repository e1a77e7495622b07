// The documents on which masks are measured, none of which took part in selecting experts.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "analysis/corpus.h"
#include "analysis/domain_groups.h"
#include "analysis/expert_index.h"
#include "base/progress.h"
#include "tokenizer/tokenizer.h"

namespace expertoire {

struct StudyDocument {
  int domain = 0;
  std::string name;
  std::vector<int32_t> ids;  ///< two or more
  int64_t scored_bytes = 0;  ///< of the characters that tokens from the second on complete
};

struct StudyCorpusOptions {
  int64_t max_tokens = 256;  ///< read of a document
  int64_t documents = 100;   ///< of a domain, drawn at random where it has more
  uint32_t seed = 42;
};

struct StudyCorpus {
  std::vector<StudyDocument> documents;  ///< by domain, then in the corpus's order
  int64_t in_index = 0;                  ///< documents left out: an index read them
};

/// Documents of the labels that `groups` puts into one of `domains`. One that an index of
/// `selected_on` read, told by its first tokens, is left out. Errors: those of Corpus and the
/// tokenizer; kInvalidArgument when nothing is left.
StudyCorpus read_study_corpus(Corpus& corpus, const DomainGroups& groups,
                              const IndexedDomains& domains, const Tokenizer& tokenizer,
                              const std::vector<const ExpertIndex*>& selected_on,
                              const StudyCorpusOptions& options, const ProgressSink& progress = {});

/// Adds documents that belong to no domain of the index, under the next number after its domains,
/// chosen alike. Errors: those of Corpus and the tokenizer.
void add_study_texts(Corpus& corpus, int number, const Tokenizer& tokenizer,
                     const std::vector<const ExpertIndex*>& selected_on,
                     const StudyCorpusOptions& options, StudyCorpus& study);

}  // namespace expertoire
