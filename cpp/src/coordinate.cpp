// The sweep. Between two meetings of the team, a pass over the rows applies the changes of the last
// block and sums for the next; then the block is solved. Sums are kept by chunks of rows, which
// depend on the data only, so that any number of threads gives the same bits.
#include "fieldfare/coordinate.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <memory>

#include "fieldfare/anova_sweep.hpp"
#include "fieldfare/block_update.hpp"
#include "fieldfare/team.hpp"

namespace fieldfare {

namespace {

constexpr std::int64_t tile = 512;  // rows whose residual and q stay in the first-level cache
constexpr std::int64_t most_chunks = 16;
constexpr std::int64_t few_codes = 64;  // so few that consecutive rows wait for each other's sums
constexpr std::size_t line = 64;        // bytes that a cache fetches at once

class Sweep {
 public:
  Sweep(const Design& design, const Parameters& parameters, const Prior& prior,
        const Observed& observed, const std::optional<Draws>& draws)
      : design_(design),
        parameters_(parameters),
        prior_(prior),
        observed_(observed),
        draws_(draws),
        higher_(design, observed, parameters.highest()),
        levels_(design.blocks.size()),
        mass_(design.blocks.size()) {
    std::int64_t codes = 1, moments = 0, sums = most_chunks;
    for (std::size_t b = 0; b < design.blocks.size(); ++b) {
      const Block& block = design.blocks[b];
      if (block.kind == Block::Kind::direct) continue;
      levels_[b].resize(static_cast<std::size_t>(block.n_codes));
      codes = std::max(codes, block.n_codes);
      sums = std::max(sums, slots(block) * block.n_codes * width(block, 0));
      if (block.kind != Block::Kind::table) continue;
      mass_[b].resize(static_cast<std::size_t>(block.n_codes));
      moments = std::max(moments, block.n_codes);
    }
    shifts_.resize(static_cast<std::size_t>(codes));
    own_sums_.resize(static_cast<std::size_t>(sums) + line / sizeof(double));
    void* begin = own_sums_.data();
    std::size_t space = own_sums_.size() * sizeof(double);
    sums_ = static_cast<double*>(
        std::align(line, static_cast<std::size_t>(sums) * sizeof(double), begin, space));
    moments_.resize(static_cast<std::size_t>(moments));
    if (parameters.factors != nullptr) q_.resize(static_cast<std::size_t>(design.n_rows));
  }

  bool run(std::int64_t n_threads, const std::function<bool()>& go_on) {
    bool complete = true;  // written by the first member only, read after a meeting
    run_team(n_threads, [&](Member& member) {
      find_mass(member);
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
      pass(member, last - 1, nullptr, false);
    });
    return complete;
  }

 private:
  // --- Sizes, which depend on the data only
  // -------------------------------------------------------

  std::int64_t chunks(const Block& block) const {
    const std::int64_t wanted = design_.n_rows / (4 * std::max<std::int64_t>(block.n_codes, 64));
    // As many as a power of two, which threads can share evenly.
    return static_cast<std::int64_t>(std::bit_floor(
        static_cast<std::uint64_t>(std::clamp<std::int64_t>(wanted, 1, most_chunks))));
  }

  static std::int64_t lanes(const Block& block) { return block.n_codes <= few_codes ? 4 : 1; }

  std::int64_t slots(const Block& block) const { return chunks(block) * lanes(block); }

  // Sums kept a code: e and n for linear weights; h e and h^2 for factors of one-hot features; e,
  // q, q^2 and q e for those of a table, which are half a cache line.
  static std::int64_t width(const Block& block, std::int64_t f) {
    return f != linear_row && block.kind == Block::Kind::table ? 4 : 2;
  }

  float weight(std::int64_t i) const {
    return observed_.weight == nullptr ? 1.0F : observed_.weight[i];
  }

  ParameterRow row(std::int64_t f) const {
    return {parameters_, prior_, observed_, draws_, design_.n_features, f};
  }

  // --- Passes over the rows
  // -----------------------------------------------------------------------

  // The weight of the rows of each code of a table, which no parameter changes.
  void find_mass(Member& member) {
    member.share(std::ssize(design_.blocks), [&](std::int64_t from, std::int64_t to) {
      for (std::int64_t b = from; b < to; ++b) {
        if (mass_[b].empty()) continue;
        const std::uint32_t* codes = design_.blocks[b].codes.data();
        for (std::int64_t i = 0; i < design_.n_rows; ++i) mass_[b][codes[i]] += weight(i);
      }
    });
  }

  void fit_bias(Member& member) {
    if (parameters_.bias == nullptr) return;
    member.share(most_chunks, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t c = first; c < last; ++c) {
        double sum = 0, mass = 0;
        const std::int64_t end = design_.n_rows * (c + 1) / most_chunks;
        for (std::int64_t i = design_.n_rows * c / most_chunks; i < end; ++i) {
          if (observed_.label != nullptr) move_target(i);
          sum += static_cast<double>(weight(i)) * observed_.residual[i];
          mass += weight(i);
        }
        bias_sums_[c] = {sum, mass};
      }
    });
    member.meet();
    if (member.first()) solve_bias();
    member.meet();
  }

  void solve_bias() {
    Shift total;
    double num = 0, den = 0;
    for (const auto& [sum, mass] : bias_sums_) {
      num += sum;
      den += mass;
    }
    const double precision = observed_.precision * den + prior_.bias_precision;
    if (!(precision > 0)) return;
    const double old = *parameters_.bias;
    double found = observed_.precision * (old * den - num) / precision;
    if (draws_) found += draws_->sub(0).normal(0) / std::sqrt(precision);
    *parameters_.bias = static_cast<float>(found);
    pending_all_ = *parameters_.bias - static_cast<float>(old);
  }

  void fit_row(Member& member, std::int64_t f) {
    if (f != linear_row) {
      for (std::size_t b = 0; b < design_.blocks.size(); ++b) find_levels(member, f, b);
    }
    member.meet();
    bool first = true;
    for (const Block& block : design_.blocks) {
      pass(member, f, &block, first);
      first = false;
      member.meet();
      if (member.first()) settle();
      solve(member, f, block);
      member.meet();
    }
  }

  // A factor of higher orders, whose features are not summed up by block.
  void fit_higher(Member& member, std::int64_t f) {
    pass(member, f, nullptr, true);
    member.meet();
    if (member.first()) settle();
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

  // Nothing is pending any more.
  void settle() {
    pending_ = nullptr;
    pending_all_ = 0;
  }

  // What each code adds to q.
  void find_levels(Member& member, std::int64_t f, std::size_t b) {
    const Block& block = design_.blocks[b];
    const float* v = row(f).values();
    member.share(std::ssize(levels_[b]), [&](std::int64_t from, std::int64_t to) {
      for (std::int64_t c = from; c < to; ++c) {
        float level = 0;
        if (block.kind == Block::Kind::table) {
          level = pattern_level(block, c, v);
        } else if (c < block.n_codes - 1) {
          level = v[block.features[c]];
        }
        levels_[b][c] = level;
      }
    });
  }

  static float pattern_level(const Block& block, std::int64_t code, const float* v) {
    float level = 0;
    for (std::int64_t p = block.patterns.start[code]; p < block.patterns.start[code + 1]; ++p) {
      level += block.patterns.value[p] * v[block.features[block.patterns.index[p]]];
    }
    return level;
  }

  // Applies what is pending, starts a factor's q if this is its `first` block, and sums for the
  // block, if any.
  void pass(Member& member, std::int64_t f, const Block* block, bool first) {
    const bool summed = block != nullptr && block->kind != Block::Kind::direct;
    const std::int64_t n_chunks = summed ? chunks(*block) : most_chunks;
    member.share(n_chunks, [&](std::int64_t from, std::int64_t to) {
      for (std::int64_t c = from; c < to; ++c) {
        const std::int64_t end = design_.n_rows * (c + 1) / n_chunks;
        for (std::int64_t i = design_.n_rows * c / n_chunks; i < end; i += tile) {
          const std::int64_t stop = std::min(i + tile, end);
          apply(i, stop);
          if (first) start(f, i, stop);
          if (summed) add_up(f, *block, c, i, stop);
        }
      }
    });
  }

  void apply(std::int64_t begin, std::int64_t end) {
    float* e = observed_.residual;
    if (pending_all_ != 0) {
      for (std::int64_t i = begin; i < end; ++i) e[i] += pending_all_;
    }
    if (pending_ == nullptr) return;
    const std::uint32_t* codes = pending_->codes.data();
    if (q_.empty() || pending_row_ == linear_row) {
      for (std::int64_t i = begin; i < end; ++i) e[i] += shifts_[codes[i]].constant;
      return;
    }
    float* q = q_.data();
    for (std::int64_t i = begin; i < end; ++i) {
      const Shift shift = shifts_[codes[i]];
      e[i] += shift.by_q * q[i] + shift.constant;
      q[i] += shift.by_q;
    }
  }

  void start(std::int64_t f, std::int64_t begin, std::int64_t end) {
    if (observed_.label != nullptr) {
      for (std::int64_t i = begin; i < end; ++i) move_target(i);
    }
    if (f == linear_row || parameters_.orders_of(f).highest > 2) return;
    const float* v = row(f).values();
    float* q = q_.data();
    std::fill(q + begin, q + end, 0.0F);
    for (std::size_t b = 0; b < design_.blocks.size(); ++b) {
      const Block& block = design_.blocks[b];
      if (block.kind == Block::Kind::direct) {
        for (std::int64_t i = begin; i < end; ++i) q[i] += pattern_level(block, i, v);
      } else {
        const float* levels = levels_[b].data();
        const std::uint32_t* codes = block.codes.data();
        for (std::int64_t i = begin; i < end; ++i) q[i] += levels[codes[i]];
      }
    }
  }

  // The logistic loss lies below a parabola of curvature 1/4 that touches it at the present score
  // (Böhning & Lindsay 1988); its minimum is the target to regress on. Lowering the parabola lowers
  // the loss at least as much.
  void move_target(std::int64_t i) {
    const float score = observed_.residual[i] + observed_.target[i];
    const float small = std::exp(-std::fabs(score));
    const float p = (score >= 0 ? 1.0F : small) / (1.0F + small);
    const float e = 4 * (p - observed_.label[i]);
    observed_.residual[i] = e;
    observed_.target[i] = score - e;
  }

  void add_up(std::int64_t f, const Block& block, std::int64_t chunk, std::int64_t begin,
              std::int64_t end) {
    const std::int64_t n_lanes = lanes(block), w = width(block, f);
    double* sums = sums_ + chunk * n_lanes * block.n_codes * w;
    const std::int64_t lane_step = n_lanes == 1 ? 0 : block.n_codes * w;
    const std::uint32_t* codes = block.codes.data();
    const float *e = observed_.residual, *q = q_.data();
    const float* levels = levels_[&block - design_.blocks.data()].data();
    // Calls add(row, its weight, where its sums are).
    const auto each = [&](const auto& add) {
      if (observed_.weight != nullptr) {
        for (std::int64_t i = begin; i < end; ++i) {
          add(i, observed_.weight[i], sums + (i & 3) * lane_step + codes[i] * w);
        }
      } else if (lane_step != 0) {
        for (std::int64_t i = begin; i < end; ++i) {
          add(i, 1.0F, sums + (i & 3) * lane_step + codes[i] * w);
        }
      } else {
        for (std::int64_t i = begin; i < end; ++i) add(i, 1.0F, sums + codes[i] * w);
      }
    };
    if (f == linear_row) {
      each([&](std::int64_t i, float weight, double* sum) {
        sum[0] += weight * e[i];
        sum[1] += weight;
      });
    } else if (block.kind == Block::Kind::one_hot) {
      each([&](std::int64_t i, float weight, double* sum) {
        const float h = q[i] - levels[codes[i]];
        sum[0] += weight * h * e[i];
        sum[1] += weight * h * h;
      });
    } else {
      each([&](std::int64_t i, float weight, double* sum) {
        sum[0] += weight * e[i];
        sum[1] += weight * q[i];
        sum[2] += weight * q[i] * q[i];
        sum[3] += weight * q[i] * e[i];
      });
    }
  }

  // --- Blocks
  // -------------------------------------------------------------------------------------

  void solve(Member& member, std::int64_t f, const Block& block) {
    const ParameterRow solved = row(f);
    if (block.kind == Block::Kind::one_hot) {
      solve_one_hot(member, solved, block);
    } else if (block.kind == Block::Kind::table) {
      solve_table(member, solved, block);
    } else if (member.first()) {
      update_on_rows(solved, block, observed_, q_.data());
    }
    member.meet();
    if (member.first() && block.kind != Block::Kind::direct) {
      pending_ = &block;
      pending_row_ = f;
    }
  }

  // Adds up, and clears, the sums of a code over all slots.
  template <int W>
  void take_sums(const Block& block, std::int64_t code, double* total) {
    const std::int64_t n_slots = slots(block);
    for (std::int64_t s = 0; s < n_slots; ++s) {
      double* sum = sums_ + (s * block.n_codes + code) * W;
      for (int a = 0; a < W; ++a) {
        total[a] += sum[a];
        sum[a] = 0;
      }
    }
  }

  void solve_one_hot(Member& member, const ParameterRow& solved, const Block& block) {
    member.share(block.n_codes, [&](std::int64_t from, std::int64_t to) {
      for (std::int64_t c = from; c < to; ++c) {
        double sums[2] = {0, 0};
        take_sums<2>(block, c, sums);
        shifts_[c] = {};
        if (c == block.n_codes - 1) continue;  // rows without the field
        const std::uint32_t id = block.features[c];
        const float old = solved.values()[id], found = solved.updated(id, sums[0], sums[1]);
        solved.values()[id] = found;
        const float d = found - old;
        shifts_[c] = solved.linear() ? Shift{0, d} : Shift{d, -old * d};
      }
    });
  }

  void solve_table(Member& member, const ParameterRow& solved, const Block& block) {
    const double* mass = mass_[&block - design_.blocks.data()].data();
    member.share(block.n_codes, [&](std::int64_t from, std::int64_t to) {
      for (std::int64_t c = from; c < to; ++c) {
        double sums[4] = {0, 0, 0, 0};
        if (solved.linear()) {
          take_sums<2>(block, c, sums);
          moments_[c] = {sums[0], 0, 0, 0, mass[c]};
        } else {
          take_sums<4>(block, c, sums);
          moments_[c] = {sums[0], sums[1], sums[2], sums[3], mass[c]};
        }
        shifts_[c] = {};
      }
    });
    for (const Run& run : block.runs) {
      member.meet();
      const auto visit = [&](std::int64_t from, std::int64_t to) {
        for (std::int64_t j = from; j < to; ++j)
          update_on_table(solved, block, run.begin + j, moments_.data(), shifts_.data());
      };
      if (run.shared) {
        member.share(run.end - run.begin, visit);
      } else if (member.first()) {
        visit(0, run.end - run.begin);
      }
    }
  }

  const Design& design_;
  const Parameters& parameters_;
  const Prior& prior_;
  const Observed& observed_;
  const std::optional<Draws>& draws_;
  AnovaSweep higher_;
  std::vector<float> q_;                    // X v_f, [n_rows]
  std::vector<std::vector<float>> levels_;  // [n_blocks][n_codes]
  std::vector<std::vector<double>> mass_;   // [n_blocks][n_codes], of tables
  std::vector<double> own_sums_;
  double* sums_ = nullptr;  // [slots, n_codes, width], zero between passes; at a cache line
  std::vector<Moments> moments_;
  std::vector<Shift> shifts_;       // of the pending block, [n_codes]
  const Block* pending_ = nullptr;  // whose shifts have still to be applied
  std::int64_t pending_row_ = linear_row;
  float pending_all_ = 0;  // change of the bias, likewise
  std::pair<double, double> bias_sums_[most_chunks];
};

}  // namespace

bool sweep(const Design& design, const Parameters& parameters, const Prior& prior,
           const Observed& observed, const std::optional<Draws>& draws, std::int64_t n_threads,
           const std::function<bool()>& go_on) {
  return Sweep(design, parameters, prior, observed, draws).run(n_threads, go_on);
}

}  // namespace fieldfare
