// Domains: groups of the labels that documents carry.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace expertoire {

/// Which domain each label belongs to.
class DomainGroups {
 public:
  /// Every label a domain of its own.
  static DomainGroups of_labels(const std::vector<std::string>& labels);
  /// {"format": "expertoire.domains", "version": 1, "domains": {"biology": ["biology", …], …},
  /// "comment": …}. Errors: kNotFound, kIo, kBadFile (another form, a domain without labels, a
  /// label in two domains), kUnsupported (another version).
  static DomainGroups load(const std::string& path);

  const std::vector<std::string>& names() const { return names_; }
  /// Index into names(), or −1 for a label that belongs to none.
  int domain_of(const std::string& label) const;

 private:
  std::vector<std::string> names_;  // sorted
  std::map<std::string, int> domain_of_;
};

/// The domains that an index has text of.
struct IndexedDomains {
  std::vector<std::string> names;
  std::vector<int> of_label;    ///< [labels of the index]; −1 = in no domain
  std::vector<int64_t> tokens;  ///< of each domain
  std::vector<int64_t> documents;
  std::vector<std::string> absent;    ///< domains without text
  std::vector<std::string> left_out;  ///< labels in no domain

  /// Index into names, or −1.
  int find(const std::string& name) const;
};

/// Errors: kInvalidArgument when fewer than two domains have text, since then there is nothing to
/// compare.
IndexedDomains indexed_domains(const DomainGroups& groups, const std::vector<std::string>& labels,
                               const std::vector<int64_t>& label_tokens,
                               const std::vector<int64_t>& label_documents);

/// A domain's name as a file's: letters, digits, '-' and '_' stay, anything else becomes '_'.
std::string domain_file_name(const std::string& domain);

}  // namespace expertoire
