// Reranking: do the candidates that answer a query come before the others?
#pragma once

#include <string>
#include <vector>

#include "eval/paper_rules.h"
#include "eval/result.h"
#include "eval/rows.h"
#include "eval/text_table.h"

namespace expertoire {

/// A query (or several phrasings of one) and its candidates.
struct RankedQuery {
  std::vector<size_t> queries;     ///< rows of the TextTable
  std::vector<size_t> candidates;  ///< the positive ones first
  std::vector<uint8_t> positive;
};

/// Fields query, positive, negative. Rows without one of the two are left out and counted.
struct RerankSet {
  std::string dataset;
  std::vector<RankedQuery> queries;
  RowCounts counts;
  int64_t one_sided = 0;

  /// Errors: kBadFile.
  static RerankSet read(const std::string& path, const RowOptions& options, TextTable& texts);
};

/// MAP and MRR@10 of candidates by their cosine to the query (the largest over its phrasings), as
/// mteb's RerankingEvaluator. Candidates that are as alike keep their order.
EvalResult score_rerank(const RerankSet& set, const TextVectors& vectors,
                        const BootstrapOptions& bootstrap);
/// By the paper's code: MAP by the sum of two cosines, each the largest over the phrasings; MRR by
/// the cosine of hidden states alone.
EvalResult score_rerank(const RerankSet& set, const SumParts& parts,
                        const BootstrapOptions& bootstrap);

}  // namespace expertoire
