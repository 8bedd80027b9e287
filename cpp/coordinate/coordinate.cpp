// The sweep: pass after pass over the rows, after each of which a block is solved.
#include "coordinate/coordinate.hpp"

#include <algorithm>
#include <cmath>

#include "common/team.hpp"
#include "coordinate/anova_sweep.hpp"
#include "coordinate/block_update.hpp"
#include "coordinate/row_pass.hpp"

namespace fieldfare {

namespace {

class Sweep {
 public:
  Sweep(const Design& design, const SweepParameters& parameters, const Prior& prior,
        const Observed& observed, const std::optional<Draws>& draws)
      : design_(design),
        parameters_(parameters),
        prior_(prior),
        observed_(observed),
        draws_(draws),
        rows_(design, parameters, observed),
        higher_(design, observed, parameters.highest()) {
    std::int64_t moments = 0;
    for (const Block& block : design.blocks) {
      if (block.kind == Block::Kind::table) moments = std::max(moments, block.n_codes);
    }
    moments_.resize(static_cast<std::size_t>(moments));
  }

  bool run(std::int64_t n_threads, const std::function<bool()>& go_on) {
    bool complete = true;  // written by the first member only, read after a meeting
    run_team(n_threads, [&](Member& member) {
      rows_.find_mass(member);
      fit_bias(member);
      const std::int64_t last = parameters_.factors == nullptr ? 0 : parameters_.k;
      for (std::int64_t f = linear_row; f < last; ++f) {
        if (f == linear_row && parameters_.linear == nullptr) continue;
        if (member.first()) complete = go_on();
        member.meet();
        if (!complete) return;
        if (f != linear_row && parameters_.orders_of(f).highest > 2) {
          fit_higher(member, f);
        } else {
          fit_row(member, f);
        }
        update_absent(member, f);
      }
      rows_.run(member, last - 1, nullptr, false);
    });
    return complete;
  }

 private:
  ParameterRow row(std::int64_t f) const {
    return {parameters_, prior_, observed_, draws_, design_.n_features, f};
  }

  void fit_bias(Member& member) {
    if (parameters_.bias == nullptr) return;
    rows_.add_up_all(member);
    member.meet();
    if (member.first()) solve_bias();
    member.meet();
  }

  void solve_bias() {
    const auto [num, den] = rows_.total();
    const double precision = observed_.precision * den + prior_.bias_precision;
    if (!(precision > 0)) return;
    const double old = *parameters_.bias;
    double found = observed_.precision * (old * den - num) / precision;
    if (draws_) found += draws_->sub(0).normal(0) / std::sqrt(precision);
    *parameters_.bias = static_cast<float>(found);
    rows_.put_off(*parameters_.bias - static_cast<float>(old));
  }

  void fit_row(Member& member, std::int64_t f) {
    if (f != linear_row) rows_.find_levels(member, f);
    member.meet();
    bool first = true;
    for (const Block& block : design_.blocks) {
      rows_.run(member, f, &block, first);
      first = false;
      member.meet();
      if (member.first()) rows_.settle();
      solve(member, f, block);
      member.meet();
    }
  }

  // A factor of higher orders, whose features are not summed up by block.
  void fit_higher(Member& member, std::int64_t f) {
    rows_.run(member, f, nullptr, true);
    member.meet();
    if (member.first()) rows_.settle();
    const ParameterRow factor = row(f);
    higher_.fit(
        member, factor.values(), parameters_.orders_of(f),
        [&](std::uint32_t id, double num, double den) { return factor.updated(id, num, den); });
    member.meet();
  }

  void update_absent(Member& member, std::int64_t f) {
    if (!draws_) return;
    const ParameterRow absent = row(f);
    member.share(std::ssize(design_.absent), [&](std::int64_t from, std::int64_t to) {
      for (std::int64_t j = from; j < to; ++j) {
        const std::uint32_t id = design_.absent[j];
        absent.values()[id] = absent.updated(id, 0, 0);
      }
    });
  }

  void solve(Member& member, std::int64_t f, const Block& block) {
    const ParameterRow solved = row(f);
    if (block.kind == Block::Kind::one_hot) {
      solve_one_hot(member, solved, block);
    } else if (block.kind == Block::Kind::table) {
      solve_table(member, solved, block);
    } else if (member.first()) {
      update_on_rows(solved, block, observed_, rows_.q());
    }
    member.meet();
    if (member.first() && block.kind != Block::Kind::direct) rows_.put_off(block, f);
  }

  void solve_one_hot(Member& member, const ParameterRow& solved, const Block& block) {
    Shift* shifts = rows_.shifts();
    member.share(block.n_codes, [&](std::int64_t from, std::int64_t to) {
      for (std::int64_t c = from; c < to; ++c) {
        double sums[2] = {0, 0};
        rows_.take_sums<2>(block, c, sums);
        shifts[c] = {};
        if (c == block.n_codes - 1) continue;  // rows without the field
        const std::uint32_t id = block.features[c];
        const float old = solved.values()[id], found = solved.updated(id, sums[0], sums[1]);
        solved.values()[id] = found;
        const float d = found - old;
        shifts[c] = solved.linear() ? Shift{0, d} : Shift{d, -old * d};
      }
    });
  }

  void solve_table(Member& member, const ParameterRow& solved, const Block& block) {
    Shift* shifts = rows_.shifts();
    const double* mass = rows_.mass(block);
    member.share(block.n_codes, [&](std::int64_t from, std::int64_t to) {
      for (std::int64_t c = from; c < to; ++c) {
        double sums[4] = {0, 0, 0, 0};
        if (solved.linear()) {
          rows_.take_sums<2>(block, c, sums);
          moments_[c] = {sums[0], 0, 0, 0, mass[c]};
        } else {
          rows_.take_sums<4>(block, c, sums);
          moments_[c] = {sums[0], sums[1], sums[2], sums[3], mass[c]};
        }
        shifts[c] = {};
      }
    });
    for (const FeatureRun& run : block.runs) {
      member.meet();
      const auto visit = [&](std::int64_t from, std::int64_t to) {
        for (std::int64_t j = from; j < to; ++j)
          update_on_table(solved, block, run.begin + j, moments_.data(), shifts);
      };
      if (run.shared) {
        member.share(run.end - run.begin, visit);
      } else if (member.first()) {
        visit(0, run.end - run.begin);
      }
    }
  }

  const Design& design_;
  const SweepParameters& parameters_;
  const Prior& prior_;
  const Observed& observed_;
  const std::optional<Draws>& draws_;
  RowPass rows_;
  AnovaSweep higher_;
  std::vector<Moments> moments_;  // of the codes of a table
};

}  // namespace

bool sweep(const Design& design, const SweepParameters& parameters, const Prior& prior,
           const Observed& observed, const std::optional<Draws>& draws, std::int64_t n_threads,
           const std::function<bool()>& go_on) {
  return Sweep(design, parameters, prior, observed, draws).run(n_threads, go_on);
}

}  // namespace fieldfare
