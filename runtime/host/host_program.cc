#include "runtime/host/host_program.h"

#include <algorithm>
#include <chrono>
#include <cstring>

#include "ir/base/status.h"
#include "runtime/host/cpu_features.h"

namespace ingot::runtime {
namespace {

// What a thread moves and computes in a nanosecond, roughly, and how long a command must take for
// another thread to be worth waking.
constexpr int64_t kBytesPerNanosecond = 8;
constexpr int64_t kFlopsPerNanosecond = 8;
constexpr int64_t kNanosecondsPerThread = 5000;
// Bytes that one task of a copy or fill moves.
constexpr int64_t kCopyBytes = 1 << 18;

int ThreadsWorth(int64_t bytes, int64_t flops, int threads) {
  if (bytes == 0 && flops == 0) return threads;  // not known
  const int64_t nanoseconds = std::max(bytes / kBytesPerNanosecond, flops / kFlopsPerNanosecond);
  return static_cast<int>(std::clamp<int64_t>(nanoseconds / kNanosecondsPerThread, 1, threads));
}

// Fills in a HostProgram.
class Builder {
 public:
  Builder(HostProgram& out, int threads) : out_(out), threads_(threads) {}

  absl::Status Modules();
  absl::StatusOr<std::vector<HostStep>> Steps(const std::vector<Command>& commands);

  absl::Status operator()(const Launch& launch);
  absl::Status operator()(const Copy& copy) {
    out_.addresses.AddSlice(copy.source);
    out_.addresses.AddSlice(copy.destination);
    step_->threads = ThreadsWorth(2 * copy.source.size, 0, threads_);
    return absl::OkStatus();
  }
  absl::Status operator()(const Fill& fill) {
    out_.addresses.AddSlice(fill.destination);
    step_->threads = ThreadsWorth(fill.destination.size, 0, threads_);
    return absl::OkStatus();
  }
  absl::Status operator()(const While& loop) {
    out_.addresses.AddSlice(loop.predicate);
    INGOT_RETURN_IF_ERROR(List(loop.condition));
    return List(loop.body);
  }
  absl::Status operator()(const Conditional& conditional) {
    out_.addresses.AddSlice(conditional.index);
    for (const std::vector<Command>& branch : conditional.branches) {
      INGOT_RETURN_IF_ERROR(List(branch));
    }
    return absl::OkStatus();
  }
  absl::Status operator()(const LibraryCall& call) {
    for (const BufferSlice& input : call.inputs) out_.addresses.AddSlice(input);
    out_.addresses.AddSlice(call.output);
    step_->call = static_cast<int>(out_.calls.size());
    out_.calls.push_back(&call);
    return List(call.fallback);
  }

  void operator()(const BufferArgument& argument) { out_.addresses.AddSlice(argument.slice); }
  void operator()(const ScalarArgument& argument) { out_.addresses.AddScalar(argument.bits); }
  void operator()(const TensorMapArgument& argument) { out_.addresses.AddSlice(argument.slice); }

 private:
  absl::Status List(const std::vector<Command>& commands);

  HostProgram& out_;
  const int threads_;
  HostStep* step_ = nullptr;  // of the command that is being visited
};

absl::Status Builder::Modules() {
  for (const CodeModule& module : out_.program->modules) {
    std::unique_ptr<ElfImage> image;
    if (module.format == CodeFormat::kElfObject) {
      absl::StatusOr<std::unique_ptr<ElfImage>> loaded = ElfImage::Load(module.bytes.span());
      if (!loaded.ok()) return Annotate(loaded.status(), "code '", module.name, "'");
      image = *std::move(loaded);
    }
    out_.images.push_back(std::move(image));
  }
  return absl::OkStatus();
}

absl::Status Builder::List(const std::vector<Command>& commands) {
  HostStep* const step = step_;
  INGOT_ASSIGN_OR_RETURN(std::vector<HostStep> steps, Steps(commands));
  step->lists.push_back(std::move(steps));
  step_ = step;
  return absl::OkStatus();
}

absl::StatusOr<std::vector<HostStep>> Builder::Steps(const std::vector<Command>& commands) {
  std::vector<HostStep> steps(commands.size());
  for (size_t i = 0; i < commands.size(); ++i) {
    step_ = &steps[i];
    step_->command = &commands[i];
    step_->slot = out_.addresses.size();
    INGOT_RETURN_IF_ERROR(Annotate(std::visit(*this, commands[i].operation), "command ", i, " '",
                                   commands[i].label, "'"));
  }
  return steps;
}

absl::Status Builder::operator()(const Launch& launch) {
  const CodeModule& module = out_.program->modules[launch.module];
  void* address = nullptr;
  if (const auto& image = out_.images[launch.module]) {
    address = image->Find(launch.kernel);
  } else {
    for (const Function& function : module.functions) {
      if (function.name == launch.kernel) address = function.address;
    }
  }
  if (address == nullptr) {
    return InvalidArgument("code '", module.name, "' has no kernel '", launch.kernel, "'");
  }
  step_->kernel = reinterpret_cast<HostKernel>(address);
  step_->threads = ThreadsWorth(step_->command->bytes, step_->command->flops, threads_);
  for (const Argument& argument : launch.arguments) std::visit(*this, argument);
  return absl::OkStatus();
}

// The body of a parallel launch.
struct KernelCall {
  HostKernel kernel;
  const uint64_t* arguments;
  static void Body(const void* context, int64_t begin, int64_t end) {
    const auto* call = static_cast<const KernelCall*>(context);
    call->kernel(call->arguments, begin, end);
  }
};

struct CopyCall {
  uint8_t* destination;
  const uint8_t* source;
  int64_t size;
  static void Body(const void* context, int64_t begin, int64_t end) {
    const auto* call = static_cast<const CopyCall*>(context);
    const int64_t from = begin * kCopyBytes, to = std::min(end * kCopyBytes, call->size);
    std::memcpy(call->destination + from, call->source + from, to - from);
  }
};

struct FillCall {
  uint8_t* destination;
  int64_t size;
  uint32_t pattern;  // repeated to four bytes
  bool one_byte;
  static void Body(const void* context, int64_t begin, int64_t end) {
    const auto* call = static_cast<const FillCall*>(context);
    const int64_t from = begin * kCopyBytes, to = std::min(end * kCopyBytes, call->size);
    if (call->one_byte) {
      std::memset(call->destination + from, call->pattern & 0xff, to - from);
      return;
    }
    for (int64_t i = from; i < to; i += 4) {
      std::memcpy(call->destination + i, &call->pattern, std::min<int64_t>(4, to - i));
    }
  }
};

}  // namespace

absl::StatusOr<std::unique_ptr<HostProgram>> HostProgram::Create(
    std::shared_ptr<const Program> program, int threads) {
  auto result = std::make_unique<HostProgram>();
  result->program = std::move(program);
  for (const Constant& constant : result->program->constants) {
    result->constants.push_back(constant.bytes.data());
  }
  Builder builder(*result, threads);
  INGOT_RETURN_IF_ERROR(builder.Modules());
  INGOT_ASSIGN_OR_RETURN(result->steps, builder.Steps(result->program->commands));
  return result;
}

HostRun::HostRun(const HostProgram& program, ThreadPool& pool, void* arena, bool use_libraries)
    : program_(program), pool_(pool), arena_(arena), slots_(program.addresses.slots()) {
  for (const LibraryCall* call : program.calls) {
    calls_.push_back(use_libraries
                         ? OnednnCall::Create(call->operation, pool,
                                              call->inputs[1].allocation == Allocation::kConstant)
                         : nullptr);
  }
  donations_.resize(program.program->outputs.size());
}

void HostRun::Bind(const RunArguments& arguments) {
  profile_ = arguments.profile;
  program_.addresses.Bind(arena_, program_.constants, arguments, slots_);
  BindDonations(*program_.program, arguments, donations_);
}

struct HostRun::Visitor {
  HostRun& run;
  const HostStep& step;

  void operator()(const Launch& launch) const {
    const KernelCall call = {step.kernel, run.slots_.data() + step.slot};
    run.pool_.Run(launch.tasks, step.threads, KernelCall::Body, &call);
  }

  void operator()(const Copy& copy) const {
    const CopyCall call = {static_cast<uint8_t*>(run.Address(step.slot + 1)),
                           static_cast<const uint8_t*>(run.Address(step.slot)), copy.source.size};
    run.pool_.Run((call.size + kCopyBytes - 1) / kCopyBytes, step.threads, CopyCall::Body, &call);
  }

  void operator()(const Fill& fill) const {
    uint32_t pattern = fill.pattern;
    if (fill.pattern_bytes == 1) pattern *= 0x01010101u;
    if (fill.pattern_bytes == 2) pattern *= 0x00010001u;
    const FillCall call = {static_cast<uint8_t*>(run.Address(step.slot)), fill.destination.size,
                           pattern, pattern == (pattern & 0xff) * 0x01010101u};
    run.pool_.Run((call.size + kCopyBytes - 1) / kCopyBytes, step.threads, FillCall::Body, &call);
  }

  void operator()(const While&) const {
    while (true) {
      run.Steps(step.lists[0]);
      if (*static_cast<const uint8_t*>(run.Address(step.slot)) == 0) return;
      run.Steps(step.lists[1]);
    }
  }

  void operator()(const Conditional& conditional) const {
    size_t branch = 0;
    switch (conditional.selector) {
      case Selector::kPred:
        branch = *static_cast<const uint8_t*>(run.Address(step.slot)) != 0 ? 0 : 1;
        break;
      case Selector::kIndex: {
        int32_t index;
        std::memcpy(&index, run.Address(step.slot), sizeof(index));
        const size_t last = step.lists.size() - 1;
        branch = index < 0 || static_cast<size_t>(index) > last ? last : index;
        break;
      }
    }
    run.Steps(step.lists[branch]);
  }

  void operator()(const LibraryCall& call) const {
    OnednnCall* const library = run.calls_[step.call].get();
    const size_t inputs = call.inputs.size();
    void* addresses[4];
    for (size_t i = 0; i < inputs; ++i) addresses[i] = run.Address(step.slot + i);
    if (library == nullptr ||
        !library->Run(absl::MakeConstSpan(addresses, inputs), run.Address(step.slot + inputs))) {
      run.Steps(step.lists[0]);
    }
  }
};

void HostRun::Steps(const std::vector<HostStep>& steps) {
  for (const HostStep& step : steps) {
    if (profile_ == nullptr) {
      std::visit(Visitor{*this, step}, step.command->operation);
      continue;
    }
    const size_t before = profile_->size();
    const auto start = std::chrono::steady_clock::now();
    std::visit(Visitor{*this, step}, step.command->operation);
    const auto end = std::chrono::steady_clock::now();
    // Loops, conditionals and fallbacks have added the times of their own commands.
    if (profile_->size() != before) continue;
    const std::chrono::nanoseconds time = end - start, before_it = start - began_;
    profile_->push_back({step.command, time.count(), before_it.count()});
  }
}

void HostRun::Execute() {
  if (profile_ != nullptr) began_ = std::chrono::steady_clock::now();
  for (const Donation& donation : donations_) {
    if (donation.source != nullptr) {
      std::memcpy(donation.destination, donation.source, donation.size);
    }
  }
  Steps(program_.steps);
}

}  // namespace ingot::runtime
