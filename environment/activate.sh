# Source this file to use the environment that environment/bootstrap.py made:
#   source environment/activate.sh
# Prefix order is fixed here: this package, the interface overlay, then ROS.
_root="$(cd "$(dirname "${BASH_SOURCE[0]:-$0}")/.." && pwd)"
_python="$(basename "$(ls -d "$_root"/.venv/lib/python3.* | head -n 1)")"

_prepend() {  # _prepend VARIABLE PATH: puts PATH in front once, if it exists
    [ -e "$2" ] || return 0
    eval "_old=\${$1:-}"
    case ":$_old:" in *":$2:"*) ;; *) export "$1=$2${_old:+:$_old}" ;; esac
}

if [ -d "$_root/.venv/share/rclpy" ]; then  # ROS comes from wheels inside the virtual environment
    _prepend AMENT_PREFIX_PATH "$_root/.venv"
    for _prefix in "$_root/.venv/lib/$_python/site-packages"/ros_*.libs "$_root/.venv/lib"; do
        _prepend LD_LIBRARY_PATH "$_prefix"
    done
    # The wheels' start-up hook orders the library path at random and re-executes Python; both
    # are needless once the path is set here.
    export _ROS_WHEELS_BOOTSTRAP_COMPLETE=1 ROS_DISTRO=jazzy ROS_VERSION=2 ROS_PYTHON_VERSION=3
fi
for _prefix in "$_root/.overlay/install" "$_root/install"; do
    _prepend AMENT_PREFIX_PATH "$_prefix"
    _prepend LD_LIBRARY_PATH "$_prefix/lib"
    _prepend PYTHONPATH "$_prefix/lib/$_python/site-packages"
done
_prepend PYTHONPATH "$_root"  # the sources win over what was installed from them
export VIRTUAL_ENV="$_root/.venv"
_prepend PATH "$_root/.venv/bin"
unset -f _prepend
unset _root _python _prefix _old
