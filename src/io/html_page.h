// Pages for people: one file, nothing from a network.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace expertoire {

/// `body` under a heading. Tables sort by a click on a heading of their <thead>: numbers and words
/// by the data-value of the cells below.
std::string html_page(std::string_view title, const std::string& body);

/// Cells of such a table. `shown` is HTML.
std::string text_cell(std::string_view text);
std::string number_cell(double value, std::string_view shown);

/// A string as it is, anything else as JSON.
std::string plain_text(const nlohmann::json& value);

/// Keys and values of an object as a table; of a list each value, of {"file", "hash"} both.
std::string facts_table(const nlohmann::json& facts);

}  // namespace expertoire
