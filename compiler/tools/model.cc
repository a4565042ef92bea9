#include "compiler/tools/model.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "compiler/kernel/simulator/device/device.h"
#include "ir/base/status.h"
#include "ir/evaluator/evaluator.h"
#include "ir/text/parser.h"
#include "ir/verifier/verifier.h"
#include "runtime/choice.h"
#include "runtime/cuda/cuda_device.h"
#include "runtime/file.h"
#include "runtime/host/host_device.h"
#include "runtime/ingot_file.h"

namespace ingot::tools {
namespace {

absl::Status SystemError(const std::string& path, absl::string_view what) {
  const int code = errno;
  const std::string message = absl::StrCat(path, ": ", what, ": ", std::strerror(code));
  return code == ENOENT ? absl::NotFoundError(message) : absl::UnavailableError(message);
}

bool LooksLikeBytecode(absl::string_view bytes) { return absl::StartsWith(bytes, "ML\xefR"); }

// MLIR text has `func.func` or `module {` before anything that HLO text could have.
bool LooksLikeMlir(absl::string_view bytes) {
  const absl::string_view head = bytes.substr(0, 4096);
  return absl::StrContains(head, "func.func") || absl::StartsWith(head, "module @") ||
         absl::StartsWith(head, "module {");
}

class EvaluatorRunner : public Runner {
 public:
  EvaluatorRunner(std::unique_ptr<Module> module, program::Signature signature)
      : module_(std::move(module)), signature_(std::move(signature)) {}

  absl::StatusOr<std::vector<Literal>> Run(absl::Span<const Literal> inputs) override {
    INGOT_ASSIGN_OR_RETURN(const std::vector<Literal> parameters, Regroup(inputs));
    INGOT_ASSIGN_OR_RETURN(const Literal result, Evaluate(*module_, parameters));
    return Leaves(result);
  }
  const std::vector<runtime::Input>& inputs() const override { return signature_.inputs; }

 private:
  // Takes leaves for a shape, depth first.
  static Literal Take(const Shape& shape, absl::Span<const Literal>& leaves) {
    if (shape.IsArray()) {
      const Literal leaf = leaves.front();
      leaves.remove_prefix(1);
      return leaf;
    }
    std::vector<Literal> elements;
    for (const Shape& element : shape.tuple_shapes()) elements.push_back(Take(element, leaves));
    return Literal::Tuple(std::move(elements));
  }

  absl::StatusOr<std::vector<Literal>> Regroup(absl::Span<const Literal> inputs) const {
    if (inputs.size() != signature_.inputs.size()) {
      return InvalidArgument("the model takes ", signature_.inputs.size(), " inputs, ",
                             inputs.size(), " were given");
    }
    std::vector<Literal> parameters;
    for (const Instruction* parameter : module_->entry()->parameters()) {
      parameters.push_back(Take(parameter->shape(), inputs));
    }
    return parameters;
  }

  std::unique_ptr<Module> module_;
  program::Signature signature_;
};

class DeviceRunner : public Runner {
 public:
  static absl::StatusOr<std::unique_ptr<Runner>> Make(
      std::unique_ptr<runtime::Device> device, std::shared_ptr<const runtime::Program> program,
      std::optional<Compilation> compilation) {
    INGOT_ASSIGN_OR_RETURN(auto executable, Executable::Load(std::move(program), device.get()));
    return std::unique_ptr<Runner>(
        new DeviceRunner(std::move(device), std::move(executable), std::move(compilation)));
  }

  absl::StatusOr<std::vector<Literal>> Run(absl::Span<const Literal> inputs) override {
    return executable_->Run(inputs);
  }
  const std::vector<runtime::Input>& inputs() const override {
    return executable_->program().inputs;
  }
  const Compilation* compilation() const override {
    return compilation_.has_value() ? &*compilation_ : nullptr;
  }
  Executable* executable() override { return executable_.get(); }

 private:
  DeviceRunner(std::unique_ptr<runtime::Device> device, std::unique_ptr<Executable> executable,
               std::optional<Compilation> compilation)
      : device_(std::move(device)),
        executable_(std::move(executable)),
        compilation_(std::move(compilation)) {}

  std::unique_ptr<runtime::Device> device_;
  std::unique_ptr<Executable> executable_;
  std::optional<Compilation> compilation_;
};

}  // namespace

std::string ModelName(const std::string& path) {
  return std::filesystem::path(path).stem().string();
}

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  std::FILE* file = std::fopen(path.c_str(), "rb");
  if (file == nullptr) return SystemError(path, "cannot open this file");
  std::string contents;
  char block[1 << 16];
  size_t count;
  while ((count = std::fread(block, 1, sizeof(block), file)) > 0) contents.append(block, count);
  const bool failed = std::ferror(file) != 0;
  const absl::Status status =
      failed ? SystemError(path, "cannot read this file") : absl::OkStatus();
  std::fclose(file);
  if (!status.ok()) return status;
  return contents;
}

absl::Status WriteFile(const std::string& path, absl::string_view contents) {
  return runtime::WriteFileAtomically(path, [&](runtime::FileSink sink) {
    return sink(
        absl::MakeConstSpan(reinterpret_cast<const uint8_t*>(contents.data()), contents.size()));
  });
}

absl::Status WriteText(const CommandLine& line, absl::string_view text) {
  if (line.Has(kOutputOption.name)) return WriteFile(line.Get(kOutputOption.name), text);
  std::fwrite(text.data(), 1, text.size(), stdout);
  return absl::OkStatus();
}

absl::StatusOr<Model> LoadModel(const std::string& path, bool verify) {
  INGOT_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(path));
  Model model;
  const absl::Span<const uint8_t> view(reinterpret_cast<const uint8_t*>(bytes.data()),
                                       bytes.size());
  if (runtime::LooksLikeIngot(view)) {
    INGOT_ASSIGN_OR_RETURN(model.programs, runtime::LoadPrograms(path, {.verify = verify}));
    return model;
  }
  if (LooksLikeBytecode(bytes) || LooksLikeMlir(bytes)) {
    return Unimplemented(path, ": StableHLO is not read yet; give the model as HLO text");
  }
  INGOT_ASSIGN_OR_RETURN(model.module, ParseModule(bytes, path));
  INGOT_RETURN_IF_ERROR(Verify(*model.module));
  return model;
}

absl::StatusOr<std::unique_ptr<Module>> LoadModule(const std::string& path) {
  INGOT_ASSIGN_OR_RETURN(Model model, LoadModel(path));
  if (model.module == nullptr)
    return InvalidArgument(path, ": this is a compiled program; a model is wanted");
  return std::move(model.module);
}

absl::StatusOr<std::string> OnePath(const CommandLine& line, absl::string_view what) {
  if (line.positional().size() == 1) return line.positional()[0];
  if (line.positional().empty()) return UsageError(absl::StrCat("needs ", what));
  return UsageError(
      absl::StrCat("takes one argument, ", what, "; '", line.positional()[1], "' is one too many"));
}

absl::StatusOr<Tolerances> ReadTolerances(const CommandLine& line) {
  const std::string path = line.Get("tolerances");
  if (path.empty()) return Tolerances();
  INGOT_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  return Tolerances::Parse(text, path);
}

std::string DefaultTarget() { return OpenDevice("cuda").ok() ? "cuda" : "host"; }

std::string TargetName(const CommandLine& line) {
  return line.Has("target") ? line.Get("target") : DefaultTarget();
}

absl::StatusOr<const Target*> CompileTarget(const std::string& name) {
  if (name != "cuda") return FindTarget(name);
  INGOT_ASSIGN_OR_RETURN(const auto device, OpenDevice("cuda"));
  // A generation without a row for its own instructions has one for those that later ones keep.
  absl::string_view architecture = device->properties().architecture;
  absl::StatusOr<const Target*> target = FindTarget(architecture);
  if (!target.ok() && absl::ConsumeSuffix(&architecture, "a")) return FindTarget(architecture);
  return target;
}

absl::StatusOr<std::vector<const Target*>> CompileTargets(const std::string& names) {
  std::vector<const Target*> targets;
  for (absl::string_view name : absl::StrSplit(names, ',')) {
    INGOT_ASSIGN_OR_RETURN(const Target* target, CompileTarget(std::string(name)));
    if (std::find(targets.begin(), targets.end(), target) != targets.end()) {
      return UsageError(absl::StrCat("--target=", names, ": ", target->name, " is there twice"));
    }
    targets.push_back(target);
  }
  return targets;
}

absl::StatusOr<std::unique_ptr<runtime::Device>> OpenDevice(absl::string_view platform) {
  if (platform == "host") return runtime::CreateHostDevice();
  if (platform == "sim") return kernel::simulator::CreateSimulatedDevice();
  return runtime::CreateCudaDevice();
}

absl::StatusOr<Place> FindPlace(absl::Span<const runtime::Program> programs) {
  std::vector<std::string> platforms;
  for (const runtime::Program& program : programs) {
    if (std::find(platforms.begin(), platforms.end(), program.platform) == platforms.end()) {
      platforms.push_back(program.platform);
    }
  }
  // A card before the host.
  std::stable_partition(platforms.begin(), platforms.end(),
                        [](const std::string& platform) { return platform == "cuda"; });
  std::vector<std::string> refusals;
  for (const std::string& platform : platforms) {
    auto device = OpenDevice(platform);
    absl::Status status = device.status();
    if (device.ok()) {
      const auto choice = runtime::ChooseProgram(programs, **device);
      if (choice.ok()) return Place{*std::move(device), *choice};
      status = choice.status();
    }
    if (platforms.size() == 1) return status;
    refusals.push_back(absl::StrCat(platform, ": ", status.message()));
  }
  return absl::FailedPreconditionError(absl::StrJoin(refusals, "; "));
}

absl::StatusOr<std::unique_ptr<Runner>> MakeRunner(Model model, const std::string& target,
                                                   const CompileOptions& options) {
  if (model.module == nullptr) {
    if (!options.donated.empty()) {
      return UsageError("--donate is for models: what a compiled file donates is decided");
    }
    INGOT_ASSIGN_OR_RETURN(Place place, FindPlace(model.programs));
    auto program = std::make_shared<runtime::Program>(std::move(model.programs[place.program]));
    return DeviceRunner::Make(std::move(place.device), std::move(program), std::nullopt);
  }
  if (target == "interpreter") {
    INGOT_ASSIGN_OR_RETURN(auto signature, program::SignatureOf(*model.module));
    return std::unique_ptr<Runner>(
        new EvaluatorRunner(std::move(model.module), std::move(signature)));
  }
  INGOT_ASSIGN_OR_RETURN(const Target* row,
                         CompileTarget(target.empty() ? DefaultTarget() : target));
  INGOT_ASSIGN_OR_RETURN(Compilation compilation, Compile(*model.module, *row, options));
  std::shared_ptr<const runtime::Program> program = compilation.program;
  INGOT_ASSIGN_OR_RETURN(auto device, OpenDevice(program->platform));
  return DeviceRunner::Make(std::move(device), std::move(program), std::move(compilation));
}

}  // namespace ingot::tools
