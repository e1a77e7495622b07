#include "analysis/domain_groups.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "io/json.h"
#include "io/refuse.h"

namespace expertoire {
namespace {

using nlohmann::json;

constexpr const char* kFormat = "expertoire.domains";
constexpr const char* kAdvice = "docs/domains.md describes the format";

[[noreturn]] void refuse(const std::string& path, std::string found, std::string expected) {
  bad_file(path, std::move(found), std::move(expected), kAdvice);
}

const json& domains_in(const json& root, const std::string& path) {
  if (!root.is_object()) refuse(path, in_short(root), "an object");
  if (root.value("format", json()) != kFormat) {
    refuse(path, "\"format\" is " + in_short(root.value("format", json())),
           fmt::format("\"{}\"", kFormat));
  }
  if (root.value("version", json()) != 1) {
    throw Error(ErrorCode::kUnsupported,
                {"reading " + path, "version " + in_short(root.value("version", json())),
                 "version 1", kAdvice});
  }
  const auto domains = root.find("domains");
  if (domains == root.end() || !domains->is_object() || domains->empty()) {
    refuse(path, "no \"domains\"", "an object: a list of labels for each domain");
  }
  return *domains;
}

}  // namespace

DomainGroups DomainGroups::of_labels(const std::vector<std::string>& labels) {
  DomainGroups groups;
  groups.names_ = labels;
  std::ranges::sort(groups.names_);
  for (size_t i = 0; i < groups.names_.size(); ++i) {
    groups.domain_of_[groups.names_[i]] = static_cast<int>(i);
  }
  return groups;
}

DomainGroups DomainGroups::load(const std::string& path) {
  DomainGroups groups;
  const json root = read_json_file(path);
  for (const auto& [name, labels] : domains_in(root, path).items()) {
    if (!labels.is_array() || labels.empty()) {
      refuse(path, fmt::format("the domain {} is {}", in_quotes(name), in_short(labels)),
             "a list with at least one label");
    }
    for (const json& label : labels) {
      if (!label.is_string()) refuse(path, in_short(label), "labels as strings");
      const auto [known, fresh] = groups.domain_of_.try_emplace(
          label.get<std::string>(), static_cast<int>(groups.names_.size()));
      if (!fresh) refuse(path, fmt::format("{} twice", in_short(label)), "every label once");
    }
    groups.names_.push_back(name);
  }
  return groups;
}

int DomainGroups::domain_of(const std::string& label) const {
  const auto found = domain_of_.find(label);
  return found == domain_of_.end() ? -1 : found->second;
}

int IndexedDomains::find(const std::string& name) const {
  const auto found = std::ranges::find(names, name);
  return found == names.end() ? -1 : static_cast<int>(found - names.begin());
}

IndexedDomains indexed_domains(const DomainGroups& groups, const std::vector<std::string>& labels,
                               const std::vector<int64_t>& label_tokens,
                               const std::vector<int64_t>& label_documents) {
  const size_t count = groups.names().size();
  std::vector<int64_t> tokens(count), documents(count);
  IndexedDomains found;
  for (size_t i = 0; i < labels.size(); ++i) {
    const int domain = groups.domain_of(labels[i]);
    if (domain < 0) {
      found.left_out.push_back(labels[i]);
      continue;
    }
    tokens[static_cast<size_t>(domain)] += label_tokens[i];
    documents[static_cast<size_t>(domain)] += label_documents[i];
  }
  std::vector<int> place(count, -1);  // of a group among those with text
  for (size_t i = 0; i < count; ++i) {
    if (tokens[i] == 0) {
      found.absent.push_back(groups.names()[i]);
      continue;
    }
    place[i] = static_cast<int>(found.names.size());
    found.names.push_back(groups.names()[i]);
    found.tokens.push_back(tokens[i]);
    found.documents.push_back(documents[i]);
  }
  for (const std::string& label : labels) {
    const int domain = groups.domain_of(label);
    found.of_label.push_back(domain < 0 ? -1 : place[static_cast<size_t>(domain)]);
  }
  if (found.names.size() < 2) {
    throw Error(ErrorCode::kInvalidArgument,
                {"comparing domains",
                 fmt::format("{} domains with text in the index, {} empty", found.names.size(),
                             found.absent.size()),
                 "two or more", "name the labels of its documents with --groups"});
  }
  return found;
}

std::string domain_file_name(const std::string& domain) {
  std::string name = domain;
  for (char& c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '-' && c != '_') c = '_';
  }
  return name;
}

}  // namespace expertoire
