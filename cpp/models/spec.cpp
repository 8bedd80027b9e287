// Names and traits of kinds, rules and losses, gathered from where they are declared.
#define FIELDFARE_ISA host  // none of the kernels: only what their headers say of themselves
#include "models/spec.hpp"

#include <array>

#include "gradient/rules.hpp"
#include "models/kinds.hpp"

namespace fieldfare {

namespace {

template <class... Model>
constexpr auto kinds_of(TypeList<Model...> /*models*/) {
  return std::array{KindTraits{Model::name, Model::has_factors, Model::uses_fields,
                               Model::has_vector_per_field, Model::has_orders,
                               Model::has_pair_weights}...};
}

template <class... Declared>
constexpr auto rules_of(TypeList<Declared...> /*rules*/) {
  return std::array{
      RuleTraits{Declared::name, Declared::slots, Declared::per_weight, Declared::sums_squares}...};
}

constexpr auto kinds = kinds_of(host::Models{});
constexpr auto rules = rules_of(host::Rules{});

struct LossName {
  std::string_view name;
  Loss loss;
};
constexpr LossName losses[] = {{"squared", Loss::squared},
                               {"logistic", Loss::logistic},
                               {"softmax", Loss::softmax},
                               {"pairwise", Loss::pairwise},
                               {"hinge", Loss::hinge}};

// The place of a name in a table.
template <class Table>
std::optional<std::size_t> find(const Table& table, std::string_view name) {
  for (std::size_t i = 0; i < std::size(table); ++i) {
    if (table[i].name == name) return i;
  }
  return std::nullopt;
}

template <class Table>
std::vector<std::string> names_in(const Table& table) {
  std::vector<std::string> names;
  names.reserve(std::size(table));
  for (const auto& one : table) names.emplace_back(one.name);
  return names;
}

}  // namespace

const KindTraits& traits_of(Kind kind) { return kinds[static_cast<std::size_t>(kind)]; }
const RuleTraits& traits_of(Rule rule) { return rules[static_cast<std::size_t>(rule)]; }

std::optional<Kind> kind_named(std::string_view name) {
  const auto place = find(kinds, name);
  return place ? std::optional(static_cast<Kind>(*place)) : std::nullopt;
}

std::optional<Rule> rule_named(std::string_view name) {
  const auto place = find(rules, name);
  return place ? std::optional(static_cast<Rule>(*place)) : std::nullopt;
}

std::optional<Loss> loss_named(std::string_view name) {
  const auto place = find(losses, name);
  return place ? std::optional(losses[*place].loss) : std::nullopt;
}

std::vector<std::string> kind_names() { return names_in(kinds); }
std::vector<std::string> rule_names() { return names_in(rules); }
std::vector<std::string> loss_names() { return names_in(losses); }

}  // namespace fieldfare
