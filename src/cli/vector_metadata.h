// How the vectors of a file were made, as FILE.meta.json says it.
#pragma once

#include <nlohmann/json.hpp>

#include "cli/embed_options.h"

namespace expertoire::cli {

/// The metadata that `embed` wrote beside `vectors`; null when there is none.
/// Errors: kBadFile when it is no object, or speaks of another number of rows or dimensions.
nlohmann::json read_metadata(const std::string& vectors, int64_t rows, int64_t dim);

/// Takes from the metadata what `app`'s command line does not say, so that a query is embedded as
/// the file was. Errors: kInvalidArgument when it says something else that changes what vectors
/// mean (kind, prompt, alpha, pooling, layers, stage), kBadFile.
void adopt(const nlohmann::json& metadata, const CLI::App& app, EmbedCliOptions& options);

/// Errors: kInvalidArgument when `loaded` is another model than the file's.
void check_model(const nlohmann::json& metadata, const LoadedModel& loaded);

}  // namespace expertoire::cli
