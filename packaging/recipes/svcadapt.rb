# A formula for a Homebrew tap; packaging/build fills it in.
class Svcadapt < Formula
  desc "@SUMMARY@"
  homepage "@REPOSITORY@"
  url "@SOURCE@"
  sha256 "@SHA256@"
  license any_of: ["MIT", "Apache-2.0"]

  depends_on "rust" => :build

  def install
    system "cargo", "install", *std_cargo_args(path: "src/cli")
    (buildpath/"man").mkpath
    system bin/"svcadapt", "man", "--output", buildpath/"man"
    Dir["man/*"].each { |page| (man/"man#{page[-1]}").install page }
    generate_completions_from_executable(bin/"svcadapt", "completions")
  end

  test do
    system bin/"svcadapt", "run", "--name", "test", "--", "/bin/sleep", "60"
    assert_match "running", shell_output("#{bin}/svcadapt status test")
    system bin/"svcadapt", "stop", "test"
  end
end
